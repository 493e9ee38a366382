import { createHash } from 'node:crypto';
import type { HostId } from '@drover/shared/model/id';
import { Command, Refusal, Report } from '@drover/shared/protocol/message';
import { readReport } from '@drover/shared/protocol/read';
import { DEFAULT_CELL } from '@drover/shared/protocol/topic';
import { z } from 'zod';
import type { Entry } from '../../agent/src/journal.ts';
import type { Change } from '../../control-plane/src/core/change.ts';
import type { Store } from '../../control-plane/src/db/store.ts';
import type { Chance } from './chance.ts';
import { type ControlPlaneParts, type Desk, SimulatedControlPlane } from './control-plane.ts';
import { Database } from './database.ts';
import { WATCHES } from './invariants/all.ts';
import { findUnsettled } from './invariants/l1-convergence.ts';
import type { Scene, Watch } from './invariants/watch.ts';
import { Judge } from './judge.ts';
import { Ledger } from './ledger.ts';
import type { WallClock } from './life.ts';
import { Network, type Seen } from './link.ts';
import { isSealed, openSeal } from './signer.ts';
import { type AgentParts, SimulatedHost } from './simulated-host.ts';
import { quiet, START_MS, Timeline } from './timeline.ts';
import { CALM, type HostWeather } from './weather.ts';

const READ_EVERY_MS = 20_000;
const LOOK_EVERY_MS = 5_000;
/** With clocks that differ by this all goes on as ever. */
const APART_MS_MAX = 60_000;

export interface StageOptions {
  readonly chance: Chance;
  readonly agent: AgentParts;
  readonly controlPlane: ControlPlaneParts;
  /** Every line of the story, as it happens. */
  readonly tell: (nowMs: number, line: string) => void;
}

/** Hosts, control planes, and what lies between and below them, with everybody who judges: what worlds and scenarios are played on. */
export class Stage {
  readonly timeline = new Timeline(START_MS);
  readonly network: Network;
  readonly judge = new Judge();
  readonly ledger = new Ledger();
  readonly hosts: SimulatedHost[] = [];
  readonly controlPlanes: SimulatedControlPlane[] = [];
  /** How many commands each host was sent. */
  readonly commands = new Map<HostId, number>();
  readonly #story = createHash('sha256');
  readonly #watches: readonly Watch[];
  #events = 0;
  /** Something was written since the database was last compared with the second book. */
  #isUnread = true;
  #backup: { readonly rows: Awaited<ReturnType<Database['snapshot']>>; readonly ledger: ReturnType<Ledger['copy']> } | null = null;

  private constructor(
    private readonly options: StageOptions,
    private readonly database: Database,
  ) {
    this.network = new Network(this.timeline, options.chance.fork('network'), this.tell, (message) => this.#sees(message));
    const scene = this.scene();
    this.#watches = WATCHES.map((watch) => watch(scene));
  }

  static async create(options: StageOptions): Promise<Stage> {
    return new Stage(options, await Database.create(() => START_MS));
  }

  get events(): number {
    return this.#events;
  }

  /** Of the whole story: the same seed has the same. */
  get storyHash(): string {
    return this.#story.copy().digest('hex').slice(0, 16);
  }

  readonly tell = (line: string): void => {
    const seconds = ((this.timeline.nowMs - START_MS) / 1_000).toFixed(3).padStart(8);
    this.#story.update(`${seconds} ${line}\n`);
    this.options.tell(this.timeline.nowMs, line);
  };

  addHost(hostId: HostId, name: string, chance: Chance, weather: HostWeather, wallClock: WallClock): void {
    const { agent } = this.options;
    const told = this.tell;
    weather.onPoison = (subject) => this.told((watch) => watch.poisonTried?.(host, subject));
    const host: SimulatedHost = new SimulatedHost(hostId, name, this.timeline, chance, this.network, agent, told, weather, wallClock, {
      machine: (host, event) => {
        this.tell(`${name}: (${event.do} ${'guestId' in event ? event.guestId : event.imageId})`);
        this.told((watch) => watch.machine?.(host, event));
      },
      opened: (host, journal) => this.told((watch) => watch.opened?.(host, journal)),
      journalled: (host, path, text) => {
        if (path.endsWith('/counters.json')) return;
        // Sound: the journal of this very agent has just written it, as an entry.
        const { resource } = JSON.parse(text.slice(text.indexOf('\n') + 1)) as Entry;
        this.told((watch) => watch.wished?.(host, resource));
      },
    });
    this.hosts.push(host);
  }

  /** Once all hosts are there. */
  async enrolHosts(): Promise<void> {
    const newHosts = this.hosts.map(({ hostId, name }) => ({ id: hostId, name, cell: DEFAULT_CELL, publicKey: KEY }));
    await this.#recording().commit({ by: 'simulation', atMs: START_MS, newHosts });
  }

  /** `isSharing`: it serves the cell by turns with others; else as if it alone did, whether there are others or not. */
  addControlPlane(name: string, chance: Chance, wallClock: WallClock, isSharing = false): void {
    const { controlPlane: parts } = this.options;
    const store = () => this.#recording();
    const { timeline, network, tell } = this;
    this.controlPlanes.push(new SimulatedControlPlane(name, timeline, chance, network, store, parts, wallClock, tell, isSharing));
  }

  async start(): Promise<void> {
    for (const controlPlane of this.controlPlanes) void controlPlane.start();
    for (const host of this.hosts) void host.start();
    await quiet();
  }

  /** Control planes that answer. */
  desks(): readonly Desk[] {
    return this.controlPlanes.flatMap(({ desk }) => desk ?? []);
  }

  told(tell: (watch: Watch) => void): void {
    for (const watch of this.#watches) tell(watch);
  }

  /** Somebody, or NTP, sets the clock of one machine, while what runs there goes on. */
  setClock(machine: SimulatedHost | SimulatedControlPlane, byMs: number): void {
    this.tell(`${machine.name}: the clock is set ${byMs < 0 ? 'back' : 'forward'} by ${Math.abs(Math.round(byMs / 1_000))} s`);
    machine.wallClock.jump(byMs);
    if (machine instanceof SimulatedControlPlane) this.told((watch) => watch.clockSet?.());
  }

  async backUp(): Promise<void> {
    this.#backup = { rows: await this.database.snapshot(), ledger: this.ledger.copy() };
    this.tell('the database is backed up');
  }

  async restore(): Promise<void> {
    if (!this.#backup) return;
    for (const controlPlane of this.controlPlanes) controlPlane.crash('its database is restored from a backup');
    await this.database.restore(this.#backup.rows);
    this.ledger.restore(this.#backup.ledger);
    this.told((watch) => watch.restored?.());
  }

  /** Event after event until then, or until `isOver`, which is asked once a simulated second. */
  async run(untilMs: number, isOver?: () => Promise<boolean>): Promise<void> {
    const { timeline, judge } = this;
    let nextLookMs = timeline.nowMs + 1_000;
    let nextReadMs = timeline.nowMs + READ_EVERY_MS;
    while (!judge.violation && timeline.nowMs < untilMs) {
      while (!judge.violation && (await timeline.step(Math.min(untilMs, nextLookMs)))) this.#events += 1;
      if (judge.violation) return;
      nextLookMs += 1_000;
      this.told((watch) => watch.often?.());
      if (timeline.nowMs >= nextReadMs && this.#isUnread) {
        nextReadMs = timeline.nowMs + READ_EVERY_MS;
        this.#isUnread = false;
        for (const watch of this.#watches) await watch.sometimes?.();
      }
      if (await isOver?.()) return;
      // Hours in which nothing happens need nobody to look.
      if (!isOver) nextLookMs = Math.max(nextLookMs, timeline.nextAtMs);
    }
  }

  /** Everything is healed. */
  calm(): void {
    this.tell('--- calm ---');
    Object.assign(this.network.weather, { loss: 0, duplication: 0, lateness: 0, hostility: 0 });
    for (const { database } of this.controlPlanes) database.isAway = false;
    this.#compareClocks();
    for (const host of this.hosts) {
      this.network.heal(host.hostId);
      host.weather.roughness = CALM;
      host.disk.full = false;
      for (const storage of host.machine.storages.values()) storage.away = false;
    }
  }

  /** Of control planes that serve by turns: a host that has the time from one does not believe what another signed hours before or after. */
  #compareClocks(): void {
    const { nowMs } = this.timeline;
    const [first, ...others] = this.controlPlanes.filter(({ isSharing }) => isSharing);
    for (const other of others) {
      const apartMs = (first?.wallClock.read(nowMs) ?? nowMs) - other.wallClock.read(nowMs);
      if (Math.abs(apartMs) > APART_MS_MAX) this.setClock(other, apartMs);
    }
  }

  /** All must become as it was wished; how long that took after the last fault: a fuse may still burn, and a host come up again. */
  async settle(withinMs: number): Promise<number> {
    const { timeline, judge } = this;
    const fromMs = timeline.nowMs;
    let unsettled = await findUnsettled(this.scene());
    await this.run(fromMs + withinMs, async () => {
      if (timeline.nowMs % LOOK_EVERY_MS >= 1_000) return false;
      unsettled = await findUnsettled(this.scene());
      return unsettled.length === 0;
    });
    judge.check(unsettled.length === 0, `after ${withinMs / 1_000} s of calm: ${unsettled.join('; ')}`);
    const startedAtMs = [...this.hosts, ...this.controlPlanes].map((process) => process.startedAtMs);
    return timeline.nowMs - Math.max(fromMs, ...startedAtMs);
  }

  close(): void {
    for (const host of this.hosts) host.life?.end();
    for (const controlPlane of this.controlPlanes) controlPlane.desk?.life.end();
    this.database.close();
  }

  scene(): Scene {
    const { timeline, network, hosts, ledger, judge } = this;
    return { timeline, network, hosts, ledger, judge, desks: () => this.desks(), store: () => this.database.store };
  }

  #sees({ hostId, leaf, text }: Seen): void {
    if (leaf === 'down/command' && isSealed(text)) {
      const said = openSeal(text);
      const command = Command.safeParse(said).data;
      this.commands.set(hostId, (this.commands.get(hostId) ?? 0) + 1);
      if (command) this.told((watch) => watch.command?.(command));
      else this.#isNotUnderstood(hostId, said);
    }
    if (leaf !== 'up/report') return;
    const host = this.hosts.find((host) => host.hostId === hostId);
    const isNewer = this.network.releases.newer.has(hostId);
    const report = isNewer ? readReport(new TextEncoder().encode(text))?.report : Report.safeParse(JSON.parse(text)).data;
    this.judge.check(report !== undefined, `${hostId} sent a report that nobody can read`);
    if (host && report) this.told((watch) => watch.report?.(host, report));
  }

  #isNotUnderstood(hostId: HostId, said: unknown): void {
    const { resource } = Named.parse(said);
    this.told((watch) => watch.notUnderstood?.(hostId, resource));
  }

  /** The store, with the second book kept beside it. */
  #recording(): Store {
    const { store } = this.database;
    return {
      ...store,
      commit: async (change: Change) => {
        const outcome = await store.commit(change);
        this.#isUnread = true;
        if (outcome.committed) {
          this.told((watch) => watch.committed?.(change));
          this.ledger.commit(change);
        }
        return outcome;
      },
    };
  }
}

/** Of a command of a newer release. */
const Named = z.object({ resource: Refusal.omit({ problem: true }) });

const KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
