import { createHash } from 'node:crypto';
import { HostId } from '@drover/shared/model/id';
import { Resource } from '@drover/shared/model/resource';
import { Report } from '@drover/shared/protocol/message';
import { DEFAULT_CELL } from '@drover/shared/protocol/topic';
import { z } from 'zod';
import type { Change } from '../../control-plane/src/core/change.ts';
import type { Store } from '../../control-plane/src/db/store.ts';
import { type Chance, createChance } from './chance.ts';
import { type ControlPlaneParts, SimulatedControlPlane, SOUND_CONTROL_PLANE } from './control-plane.ts';
import { Database } from './database.ts';
import { type FaultPorts, strike } from './faults.ts';
import { watchEffects } from './invariants/at-most-once.ts';
import { watchBounds } from './invariants/bounded.ts';
import { findUnsettled } from './invariants/convergence.ts';
import { watchDestruction } from './invariants/destruction.ts';
import { watchExplanations } from './invariants/explained.ts';
import { watchFinalWords } from './invariants/final-words.ts';
import { watchGenerations } from './invariants/generations.ts';
import { watchGone } from './invariants/gone.ts';
import { watchSignatures } from './invariants/signed-only.ts';
import { watchUnaskedEnds } from './invariants/unasked-ends.ts';
import type { Scene, Watch } from './invariants/watch.ts';
import { watchWrites } from './invariants/writes.ts';
import { Judge } from './judge.ts';
import { Ledger } from './ledger.ts';
import { WallClock } from './life.ts';
import { Network, type NetworkWeather, type Seen } from './link.ts';
import { type AgentParts, SimulatedHost, SOUND_AGENT } from './simulated-host.ts';
import { quiet, START_MS, Timeline } from './timeline.ts';
import { type Manners, Person, SOUND_MANNERS } from './users.ts';
import { CALM, HostWeather, type Roughness } from './weather.ts';

const STORM_MS = 90_000;
const READ_EVERY_MS = 20_000;
/** After the last fault everything must be as wished within this. */
const SETTLING_MS = 300_000;

export interface WorldOptions {
  readonly seed: string;
  readonly agent?: AgentParts;
  readonly controlPlane?: ControlPlaneParts;
  readonly manners?: Manners;
  /** Only these deeds of people and strokes of fate are done, of all that the seed has in store; absent: all. */
  readonly only?: ReadonlySet<string>;
  /** How bad the network is, where the seed shall not decide it. */
  readonly network?: Partial<NetworkWeather>;
  /** Every line of the story, as it happens. */
  readonly tell?: (line: string) => void;
}

export interface Outcome {
  readonly seed: string;
  /** Null: all went as it must. */
  readonly violation: string | null;
  readonly events: number;
  readonly simulatedMs: number;
  /** Of the whole story: the same seed has the same. */
  readonly storyHash: string;
  /** What people did and what befell the world, by name: so that it can be tried without some of it. */
  readonly deeds: readonly string[];
}

/** Lives through one world: a storm in which nothing may be broken, then calm, in which everything must become as wished. */
export async function runWorld(options: WorldOptions): Promise<Outcome> {
  const world = await World.create(options);
  const rejected = (thrown: unknown) => world.unhandled(thrown);
  process.on('unhandledRejection', rejected);
  try {
    await world.storm(STORM_MS);
    await world.settle(SETTLING_MS);
  } finally {
    world.close();
    // Only now does Node tell of promises that nobody looked after.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', rejected);
  }
  return world.outcome();
}

export class World {
  readonly #timeline = new Timeline(START_MS);
  readonly #chance: Chance;
  readonly #judge = new Judge();
  readonly #ledger = new Ledger(this.#judge);
  readonly #story = createHash('sha256');
  readonly #network: Network;
  readonly #hosts: SimulatedHost[] = [];
  readonly #controlPlanes: SimulatedControlPlane[] = [];
  readonly #people: Person[] = [];
  readonly #watches: Watch[] = [];
  readonly #roughness: Roughness;
  readonly #deeds: string[] = [];
  #events = 0;
  #isStorming = true;
  #backup: { readonly rows: Awaited<ReturnType<Database['snapshot']>>; readonly ledger: ReturnType<Ledger['copy']> } | null = null;

  private constructor(
    private readonly options: WorldOptions,
    private readonly database: Database,
  ) {
    this.#chance = createChance(options.seed);
    this.#network = new Network(this.#timeline, this.#chance.fork('network'), this.#tell, (message) => this.#sees(message));
    this.#roughness = this.#drawRoughness();
  }

  static async create(options: WorldOptions): Promise<World> {
    const database = await Database.create(() => START_MS);
    const world = new World(options, database);
    await world.#populate();
    return world;
  }

  outcome(): Outcome {
    return {
      seed: this.options.seed,
      violation: this.#judge.violation,
      events: this.#events,
      simulatedMs: this.#timeline.nowMs - START_MS,
      deeds: this.#deeds,
      storyHash: this.#story.copy().digest('hex').slice(0, 16),
    };
  }

  close(): void {
    for (const host of this.#hosts) host.life?.end();
    for (const controlPlane of this.#controlPlanes) controlPlane.desk?.life.end();
    this.database.close();
  }

  /** An agent or a control plane would have ended by this. */
  unhandled(thrown: unknown): void {
    this.#judge.check(false, `nobody took care of: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
  }

  /** People act and everything that can go wrong does; nothing that must never happen may. */
  async storm(durationMs: number): Promise<void> {
    const { weather } = this.#network;
    const chance = this.#chance.fork('storm');
    Object.assign(weather, {
      loss: chance.pick([0, 0.02, 0.2]),
      duplication: chance.pick([0, 0.05, 0.3]),
      lateness: chance.pick([0, 0.05, 0.3]),
      lateMsMax: chance.pick([2_000, 60_000]),
      hostility: chance.pick([0, 0, 0.1, 0.4]),
      ...this.options.network,
    });
    const everyMs = chance.pick([3_000, 8_000, 25_000]);
    const ports = this.#faultPorts();
    this.#repeat('fault', chance.fork('fault pauses'), [1, 2 * everyMs], (chance) => strike({ ...ports, chance }));
    for (const person of this.#people)
      this.#repeat(person.name, chance.fork(`${person.name} pauses`), [200, 5_000], (chance) => person.act(chance));
    await this.#run(this.#timeline.nowMs + durationMs, async () => false);
  }

  /** Everything is healed, and nobody wishes for anything more: all must become as it was wished. */
  async settle(withinMs: number): Promise<void> {
    if (this.#judge.violation) return;
    this.#tell('--- calm ---');
    this.#isStorming = false;
    Object.assign(this.#network.weather, { loss: 0, duplication: 0, lateness: 0, hostility: 0 });
    for (const host of this.#hosts) {
      this.#network.heal(host.hostId);
      host.weather.roughness = CALM;
      host.disk.full = false;
      for (const storage of host.machine.storages.values()) storage.away = false;
    }
    let unsettled: readonly string[] = [];
    await this.#run(this.#timeline.nowMs + withinMs, async () => {
      if (this.#timeline.nowMs % 5_000 >= 1_000) return false;
      unsettled = await findUnsettled(this.#scene());
      return unsettled.length === 0;
    });
    if (this.#judge.violation) return;
    unsettled = await findUnsettled(this.#scene());
    this.#judge.check(unsettled.length === 0, `after ${withinMs / 1_000} s of calm: ${unsettled.join('; ')}`);
  }

  /** Event after event until then, or until `isOver`, which is asked once a simulated second. */
  async #run(untilMs: number, isOver: () => Promise<boolean>): Promise<void> {
    let nextLookMs = this.#timeline.nowMs + 1_000;
    let nextReadMs = this.#timeline.nowMs + READ_EVERY_MS;
    while (!this.#judge.violation && this.#timeline.nowMs < untilMs) {
      while (!this.#judge.violation && (await this.#timeline.step(Math.min(untilMs, nextLookMs)))) this.#events += 1;
      if (this.#judge.violation) return;
      nextLookMs += 1_000;
      for (const watch of this.#watches) watch.often?.();
      if (this.#timeline.nowMs >= nextReadMs) {
        nextReadMs += READ_EVERY_MS;
        for (const watch of this.#watches) await watch.sometimes?.();
      }
      if (await isOver()) return;
    }
  }

  async #populate(): Promise<void> {
    const chance = this.#chance.fork('population');
    const scene = this.#scene();
    this.#watches.push(
      ...[
        watchWrites,
        watchEffects,
        watchGenerations,
        watchDestruction,
        watchUnaskedEnds,
        watchExplanations,
        watchBounds,
        watchGone,
        watchFinalWords,
        watchSignatures,
      ].map((watch) => watch(scene)),
    );
    for (let number = 1; number <= chance.between(1, 3); number += 1) this.#hosts.push(this.#makeHost(number, chance));
    const newHosts = this.#hosts.map(({ hostId, name }) => ({ id: hostId, name, cell: DEFAULT_CELL, publicKey: KEY }));
    await this.#recording().commit({ by: 'simulation', atMs: START_MS, newHosts });
    const loops = chance.happens(0.3) ? 2 : 1;
    this.#network.isEmbedded = loops === 1 && chance.happens(0.6);
    // Whoever runs two of them keeps their clocks together, be they right or not.
    const offByMs = chance.pick([0, 0, chance.between(-HOUR_MS, HOUR_MS)]);
    for (let number = 1; number <= loops; number += 1) {
      const name = `control plane ${number}`;
      const parts = this.options.controlPlane ?? SOUND_CONTROL_PLANE;
      const store = () => this.#recording();
      this.#controlPlanes.push(
        new SimulatedControlPlane(
          name,
          this.#timeline,
          chance.fork(name),
          this.#network,
          store,
          parts,
          drawClock(chance.fork(`${name} clock`), offByMs + chance.between(-2_000, 2_000)),
          this.#tell,
        ),
      );
    }
    for (const name of ['ann', 'ben'].slice(0, chance.between(1, 2))) {
      const desk = () => {
        const open = this.#controlPlanes.flatMap((controlPlane) => controlPlane.desk ?? []);
        return open.length > 0 ? chance.pick(open) : null;
      };
      const { timeline, ledger, judge } = scene;
      this.#people.push(
        new Person(name, {
          timeline,
          ledger,
          judge,
          desk,
          manners: this.options.manners ?? SOUND_MANNERS,
          running: () => this.#hosts.flatMap((host) => [...host.machine.running.keys()]),
          chance: chance.fork(name),
          log: this.#tell,
        }),
      );
    }
    for (const controlPlane of this.#controlPlanes) void controlPlane.start();
    for (const host of this.#hosts) void host.start();
    await quiet();
  }

  #sees(message: Seen): void {
    for (const watch of this.#watches) watch.message?.(message);
    if (message.leaf !== 'up/report') return;
    const host = this.#hosts.find(({ hostId }) => hostId === message.hostId);
    const report = Report.safeParse(JSON.parse(message.text));
    this.#judge.check(report.success, `${message.hostId} sent a report that nobody can read: ${report.error?.message ?? ''}`);
    if (host && report.data) for (const watch of this.#watches) watch.report?.(host, report.data);
  }

  #makeHost(number: number, chance: Chance): SimulatedHost {
    const name = `host${number}`;
    const weather = new HostWeather(chance.fork(`${name} weather`), this.#roughness);
    if (chance.happens(0.2)) weather.poisoned.add(chance.pick(['100', '101', '102', 'debian-12']));
    return new SimulatedHost(
      HostId.parse(`host_${chance.text(20)}`),
      name,
      this.#timeline,
      chance.fork(name),
      this.#network,
      this.options.agent ?? SOUND_AGENT,
      this.#tell,
      weather,
      drawClock(chance.fork(`${name} clock`)),
      {
        machine: (host, event) => {
          this.#tell(`${name}: (${event.do} ${'guestId' in event ? event.guestId : event.imageId})`);
          for (const watch of this.#watches) watch.machine?.(host, event);
        },
        opened: (host, journal) => {
          for (const watch of this.#watches) watch.opened?.(host, journal);
        },
        journalled: (host, path, text) => {
          if (path.endsWith('/counters.json')) return;
          const { resource, counter } = Written.parse(JSON.parse(text.slice(text.indexOf('\n') + 1)));
          for (const watch of this.#watches) watch.wished?.(host, resource, counter ?? 0);
        },
      },
    );
  }

  #drawRoughness(): Roughness {
    const chance = this.#chance.fork('roughness');
    return {
      failing: chance.pick([0, 0.02, 0.15]),
      hanging: chance.pick([0, 0, 0.03]),
      slow: chance.pick([0, 0.02, 0.1]),
      ownEnds: chance.pick([0, 0.1, 0.3]),
      deafToShutdown: chance.pick([0, 0.3]),
      lostNotices: chance.pick([0, 0.2]),
    };
  }

  #faultPorts(): Omit<FaultPorts, 'chance'> {
    return {
      timeline: this.#timeline,
      network: this.#network,
      hosts: this.#hosts,
      controlPlanes: this.#controlPlanes,
      log: this.#tell,
      journalLost: (host) => {
        for (const watch of this.#watches) watch.journalLost?.(host);
      },
      backUp: async () => {
        this.#backup = { rows: await this.database.snapshot(), ledger: this.#ledger.copy() };
        this.#tell('the database is backed up');
      },
      restore: async () => {
        if (!this.#backup) return;
        for (const controlPlane of this.#controlPlanes) controlPlane.crash('its database is restored from a backup');
        await this.database.restore(this.#backup.rows);
        this.#ledger.restore(this.#backup.ledger);
        for (const watch of this.#watches) watch.restored?.();
      },
    };
  }

  /** The store, with the second book kept beside it. */
  #recording(): Store {
    const { store } = this.database;
    return {
      ...store,
      commit: async (change: Change) => {
        const outcome = await store.commit(change);
        if (outcome.committed) this.#ledger.commit(change);
        return outcome;
      },
    };
  }

  #scene(): Scene {
    return {
      timeline: this.#timeline,
      network: this.#network,
      hosts: this.#hosts,
      ledger: this.#ledger,
      judge: this.#judge,
      store: () => this.database.store,
    };
  }

  /** What each deed draws is its own: without one of them the others are what they were. */
  #repeat(who: string, pauses: Chance, [from, to]: readonly [number, number], act: (chance: Chance) => void, number = 1): void {
    this.#timeline.after(pauses.between(from, to), () => {
      if (!this.#isStorming) return;
      const deed = `${who}-${number}`;
      const { only } = this.options;
      if (!only || only.has(deed)) {
        this.#deeds.push(deed);
        act(pauses.fork(deed));
      }
      this.#repeat(who, pauses, [from, to], act, number + 1);
    });
  }

  readonly #tell = (line: string): void => {
    const seconds = ((this.#timeline.nowMs - START_MS) / 1_000).toFixed(3).padStart(8);
    this.#story.update(`${seconds} ${line}\n`);
    this.options.tell?.(`${seconds} ${line}`);
  };
}

/** Most clocks are right; those of some are up to an hour off, and none goes worse than quartz does. */
const drawClock = (chance: Chance, offByMs = chance.pick([0, 0, chance.between(-HOUR_MS, HOUR_MS)])): WallClock =>
  new WallClock(1 + chance.between(-500, 500) / 1_000_000, offByMs);
const HOUR_MS = 3_600_000;

/** A file of a journal. */
const Written = z.object({ resource: Resource, counter: z.number().optional() });

const KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
