import type { GuestSpec, GuestType, RunEnd } from '@drover/shared/model/guest';
import type { DriverDescription } from '@drover/shared/model/host';
import type { Stream } from '../stream.ts';

/** Where one disk of a guest lies, as the storage driver says. */
export interface DiskPlace {
  readonly name: string;
  /** file: a disk image that QEMU opens. directory: a root file system. */
  readonly form: 'file' | 'directory';
  readonly path: string;
  readonly format: 'qcow2' | 'raw' | null;
}

/** One NIC with what its network driver knows of it. */
export interface NicPlace {
  readonly name: string;
  readonly mac: string;
  /** The bridge that the guest's end of the wire is plugged into. */
  readonly bridge: string;
}

/** All that a guest driver needs to define and start a guest; the drivers of storage and network have done their part by then. */
export interface GuestPlaces {
  /** The guest's own folder on the storage of its root disk: holds guest.json, disks, console logs. Durable. */
  readonly folder: string;
  readonly disks: readonly DiskPlace[];
  readonly nics: readonly NicPlace[];
  /** Path of the ISO in the CD drive. */
  readonly cdromPath: string | null;
}

/** Why we end a guest: somebody asked for it (which is meant where nothing is said), or the host goes down. */
export type EndCause = Extract<RunEnd, 'asked' | 'host'>;

export interface GuestDefinition {
  readonly id: number;
  readonly spec: GuestSpec;
  readonly places: GuestPlaces;
}

/** The last run of a guest, as the host itself remembers it. */
export interface LastRun {
  /** spec.powerRequest it was started for. */
  readonly powerRequest: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly end: RunEnd | null;
  /** Crashes in a row for this powerRequest. */
  readonly crashes: number;
}

/** A guest that has its process and its memory, and stands still. */
export interface PausedGuest {
  /** disk: it could not be read or written, which may pass: going on is worth a try now and then. other: it goes on when somebody starts it. */
  readonly cause: 'disk' | 'other';
  /** For people: "the storage of disk root is full". */
  readonly reason: string;
  readonly sinceMs: number;
}

export interface ObservedGuest {
  readonly id: number;
  readonly type: GuestType;
  /** The definition that lies beside its disks; null while there is none (half made). */
  readonly applied: { readonly spec: GuestSpec; readonly digest: string } | null;
  readonly running: boolean;
  readonly lastRun: LastRun | null;
  /** Only with `running`: settings that the running guest does not have yet ("memoryBytes"). */
  readonly needsRestart: readonly string[];
  /** Only with `running`: null while it goes on. */
  readonly paused: PausedGuest | null;
  /** "kvm" or "tcg" for a running VM. */
  readonly accelerator: string | null;
}

/** Where a running guest can be measured. */
export interface GuestGauge {
  readonly id: number;
  readonly type: GuestType;
  /** A VM's QEMU, a container's first process; with its start time, which tells it from another that got its number later. */
  readonly pid: number;
  readonly startTicks: number;
  /** The host's ends of its wires. */
  readonly wires: readonly string[];
}

/**
 * A kind of guest. Every verb is idempotent: done if it is already so. Verbs throw Problem; they never retry by themselves.
 * Deadlines come with `signal`. What outlives the agent: the running guests, and their folders.
 */
export interface GuestDriver {
  readonly type: GuestType;
  readonly name: string;
  /** Can it run here, and if not, why. Never hangs. */
  probe(): Promise<DriverDescription>;
  /** Ids of every guest of this type that exists on the host: a folder with a definition, or a running process. */
  list(folders: readonly string[]): Promise<readonly number[]>;
  /** What is true of one guest now; null when nothing of it exists. `folder` is where its definition lies. Cheap: no process is spawned for a guest that is as it was. */
  observe(id: number, folder: string): Promise<ObservedGuest | null>;
  /** Null when it does not run, or is not known to this life of the agent yet. Costs a look into /proc; absent where nothing can be measured. */
  gauge?(id: number): GuestGauge | null;
  /** Writes guest.json beside the disks, durably, with whatever configuration the hypervisor reads. A running guest gets at once what can change while it runs (container limits, names). */
  define(definition: GuestDefinition, signal: AbortSignal): Promise<void>;
  /** Returns once it is observed to run; one that is paused goes on. The guest lives outside the agent's process group (own systemd unit, or own session). */
  start(definition: GuestDefinition, signal: AbortSignal): Promise<void>;
  /** Asks the guest to end; returns at once, observe tells when it has. The run's end is then `cause`. */
  shutdown(id: number, folder: string, signal: AbortSignal, cause?: EndCause): Promise<void>;
  /** Ends it now; returns once it is gone. The run's end is then `cause`. */
  stop(id: number, folder: string, signal: AbortSignal, cause?: EndCause): Promise<void>;
  /** Restarts the guest in place, politely, or at once with `force`; returns once the new run is observed. */
  reboot(definition: GuestDefinition, force: boolean, signal: AbortSignal): Promise<void>;
  /** Removes configuration and run-time files of a stopped guest, then guest.json, last. Disks are the storage driver's. */
  remove(id: number, folder: string, signal: AbortSignal): Promise<void>;
  /** Runs a program in the guest. Resolves with a live stream once it has begun. */
  exec(id: number, folder: string, command: readonly string[], tty: boolean): Promise<Stream>;
  /** The interactive console: a VM's serial port, a container's root shell. */
  console(id: number, folder: string): Promise<Stream>;
  /** Calls `changed` whenever a guest may have started or ended by itself; the returned function stops watching. */
  watch(changed: (id: number) => void): () => void;
  /** Ends every conversation with guests, before the agent ends. Guests go on. */
  leave(): void;
}
