import type { Clock } from '@drover/shared/lib/clock';
import type { Disk, GuestSpec, GuestType, RunEnd } from '@drover/shared/model/guest';
import type { LastRun } from '../../agent/src/drivers/guest/driver.ts';
import type { ObservedImage } from '../../agent/src/drivers/storage/driver.ts';

/** What operations on a host, and the guests themselves, come up against. */
export interface Weather {
  readonly isCalm: boolean;
  delayMs(operation: string): number;
  fate(operation: string, subject: string): 'well' | 'fails' | 'fails-halfway' | 'hangs';
  /** What a guest that has started does by its own will, and when. */
  ownEnd(guestId: number): { readonly how: 'self' | 'crash'; readonly afterMs: number } | null;
  /** How long a guest that is asked to shut down takes; null: it does not listen. */
  shutdownMs(guestId: number): number | null;
  /** A change that no watch tells of. */
  losesNotice(): boolean;
  /** Does what was not flushed survive a power cut? */
  keepsUnflushed(): boolean;
}

/** What really happened on a host, for those who judge. */
export type MachineEvent =
  /** `again`: as part of a reboot. */
  | {
      readonly do: 'guest-started';
      readonly guestId: number;
      readonly powerRequest: number;
      readonly last: LastRun | null;
      readonly again: boolean;
    }
  /** A second process of a guest that runs. */
  | { readonly do: 'guest-doubled'; readonly guestId: number }
  | { readonly do: 'guest-rebooted'; readonly guestId: number }
  | { readonly do: 'guest-ran'; readonly guestId: number; readonly command: readonly string[] }
  | { readonly do: 'guest-ending'; readonly guestId: number; readonly how: 'stop' | 'shutdown' }
  | { readonly do: 'guest-ended'; readonly guestId: number; readonly how: RunEnd }
  | { readonly do: 'guest-defined'; readonly guestId: number }
  | { readonly do: 'disk-made' | 'disk-removed'; readonly guestId: number; readonly disk: string }
  | { readonly do: 'folder-removed'; readonly guestId: number; readonly disks: readonly string[] }
  | { readonly do: 'image-made' | 'image-removed'; readonly imageId: string };

/** The record of a guest's last run, as run.json holds it on a real host. */
export interface RunFile extends LastRun {
  readonly bootId: string;
  readonly asked: boolean;
  readonly starting?: boolean;
}

export interface GuestFolder {
  definition: { readonly spec: GuestSpec; readonly digest: string } | null;
  run: RunFile | null;
  /** What a power cut may bring back. */
  flushedRun: RunFile | null;
  readonly disks: Map<string, { readonly disk: Disk; attached: boolean }>;
}

export interface StorageState {
  made: boolean;
  /** Unplugged, unmounted: nothing on it is lost, nothing on it can be seen. */
  away: boolean;
  readonly folders: Map<number, GuestFolder>;
  readonly images: Map<string, ObservedImage>;
  readonly staging: Map<string, { filled: boolean }>;
}

export interface NetworkState {
  ready: boolean;
  /** The first three numbers of its addresses. */
  prefix: string;
  readonly registered: Map<string, { readonly guestId: number; readonly guestName: string }>;
  readonly leases: Map<string, string>;
}

export interface RunningGuest {
  readonly id: number;
  readonly type: GuestType;
  readonly folder: GuestFolder;
  /** What it runs with: what was defined later counts from the next start on. */
  readonly spec: GuestSpec;
  readonly macs: readonly string[];
  endsWith: () => void;
}

/** One simulated host: everything on it that is not the agent. Guests outlive the agent, and end with the host. */
export class Machine {
  readonly storages = new Map<string, StorageState>();
  readonly networks = new Map<string, NetworkState>();
  readonly running = new Map<number, RunningGuest>();
  /** Agents that watch: called when something changed by itself. */
  readonly guestWatchers = new Set<(guestId: number) => void>();
  readonly leaseWatchers = new Set<(mac: string) => void>();
  #boots = 1;
  #addresses = 0;

  constructor(
    readonly name: string,
    readonly clock: Clock,
    readonly weather: Weather,
    private readonly happened: (event: MachineEvent) => void = () => {},
  ) {}

  get bootId(): string {
    return `${this.name}-boot-${this.#boots}`;
  }

  tell(event: MachineEvent): void {
    this.happened(event);
  }

  storage(path: string): StorageState {
    let state = this.storages.get(path);
    if (!state) {
      state = { made: false, away: false, folders: new Map(), images: new Map(), staging: new Map() };
      this.storages.set(path, state);
    }
    return state;
  }

  network(bridge: string): NetworkState {
    let state = this.networks.get(bridge);
    if (!state) {
      state = { ready: false, prefix: '10.86.0', registered: new Map(), leases: new Map() };
      this.networks.set(bridge, state);
    }
    return state;
  }

  /** The guest's folder behind a path such as /storage/guests/107. */
  folder(path: string): GuestFolder {
    const { storage, guestId } = this.#placeOf(path);
    let folder = storage.folders.get(guestId);
    if (!folder) {
      folder = { definition: null, run: null, flushedRun: null, disks: new Map() };
      storage.folders.set(guestId, folder);
    }
    return folder;
  }

  folderIfThere(path: string): GuestFolder | null {
    const { storage, guestId } = this.#placeOf(path);
    return storage.folders.get(guestId) ?? null;
  }

  begin(id: number, type: GuestType, spec: GuestSpec, folder: GuestFolder): void {
    const guest: RunningGuest = { id, type, folder, spec, macs: spec.nics.map((nic) => nic.mac), endsWith: () => {} };
    this.running.set(id, guest);
    const own = this.weather.ownEnd(id);
    const cancelEnd = own ? this.clock.after(own.afterMs, () => this.end(guest, own.how)) : () => {};
    const cancelLease = this.clock.after(this.weather.delayMs('lease'), () => this.#lease(guest));
    guest.endsWith = () => {
      cancelEnd();
      cancelLease();
    };
    this.notice(id);
  }

  /** Ends a guest that runs; whoever asked for it has said so in its run record before. */
  end(guest: RunningGuest, how: RunEnd): void {
    if (this.running.get(guest.id) !== guest) return;
    this.running.delete(guest.id);
    guest.endsWith();
    const { run } = guest.folder;
    if (run && run.end === null) saveRun(guest.folder, ended(run, run.asked ? 'asked' : how, this.clock.now()), true);
    this.tell({ do: 'guest-ended', guestId: guest.id, how: run?.asked ? 'asked' : how });
    this.notice(guest.id);
  }

  notice(guestId: number): void {
    if (!this.weather.losesNotice()) for (const changed of [...this.guestWatchers]) changed(guestId);
  }

  /** Power off and on again. */
  crash(): void {
    for (const guest of [...this.running.values()]) {
      guest.endsWith();
      this.running.delete(guest.id);
      this.tell({ do: 'guest-ended', guestId: guest.id, how: 'host' });
    }
    for (const storage of this.storages.values()) {
      for (const folder of storage.folders.values()) {
        if (!this.weather.keepsUnflushed()) folder.run = folder.flushedRun;
        for (const disk of folder.disks.values()) disk.attached = false;
      }
    }
    this.networks.clear();
    this.guestWatchers.clear();
    this.leaseWatchers.clear();
    this.#boots += 1;
  }

  #lease(guest: RunningGuest): void {
    for (const network of this.networks.values()) {
      for (const mac of guest.macs) {
        if (!network.ready || !network.registered.has(mac) || network.leases.has(mac)) continue;
        network.leases.set(mac, `${network.prefix}.${2 + (this.#addresses % 250)}`);
        this.#addresses += 1;
        if (!this.weather.losesNotice()) for (const changed of [...this.leaseWatchers]) changed(mac);
      }
    }
  }

  #placeOf(path: string): { storage: StorageState; guestId: number } {
    const at = path.lastIndexOf('/guests/');
    return { storage: this.storage(path.slice(0, at)), guestId: Number(path.slice(at + '/guests/'.length)) };
  }
}

const STEADY_RUN_MS = 600_000;

export function ended(run: RunFile, end: RunEnd, endedAtMs: number): RunFile {
  const steady = endedAtMs - run.startedAtMs >= STEADY_RUN_MS;
  return { ...run, end, endedAtMs, crashes: (steady ? 0 : run.crashes) + (end === 'crash' ? 1 : 0) };
}

export function saveRun(folder: GuestFolder, run: RunFile, flush: boolean): void {
  folder.run = run;
  if (flush) folder.flushedRun = run;
}
