import { HostId } from '@drover/shared/model/id';
import { type Chance, createChance } from './chance.ts';
import { type ControlPlaneParts, SOUND_CONTROL_PLANE } from './control-plane.ts';
import { drawFaults, loseDatabase, strike } from './faults.ts';
import { WallClock } from './life.ts';
import type { NetworkWeather } from './link.ts';
import { type AgentParts, SOUND_AGENT } from './simulated-host.ts';
import { Stage } from './stage.ts';
import { START_MS } from './timeline.ts';
import { type Manners, Person, SOUND_MANNERS } from './users.ts';
import { HostWeather, type Roughness } from './weather.ts';

const STORM_MS = 90_000;
/** After the last fault everything must be as wished within this. */
const SETTLING_MS = 300_000;
const HOUR_MS = 3_600_000;

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
  /** After the last fault, until everything was as wished; null: it never was. */
  readonly settledMs: number | null;
  /** Of the whole story: the same seed has the same. */
  readonly storyHash: string;
  /** What people did and what befell the world, by name: so that it can be tried without some of it. */
  readonly deeds: readonly string[];
}

/** Lives through one world: a storm in which nothing may be broken, then calm, in which everything must become as wished. */
export async function runWorld(options: WorldOptions): Promise<Outcome> {
  const world = await World.create(options);
  // An agent or a control plane would have ended by this.
  const rejected = (thrown: unknown) => world.stage.judge.check(false, `nobody took care of: ${inWords(thrown)}`);
  process.on('unhandledRejection', rejected);
  try {
    await world.storm(STORM_MS);
    await world.settle(SETTLING_MS);
  } finally {
    world.stage.close();
    // Only now does Node tell of promises that nobody looked after.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', rejected);
  }
  return world.outcome();
}

const inWords = (thrown: unknown): string => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));

class World {
  readonly #chance: Chance;
  readonly #people: Person[] = [];
  readonly #deeds: string[] = [];
  #isStorming = true;
  #settledMs: number | null = null;

  private constructor(
    private readonly options: WorldOptions,
    chance: Chance,
    readonly stage: Stage,
  ) {
    this.#chance = chance;
  }

  static async create(options: WorldOptions): Promise<World> {
    const chance = createChance(options.seed);
    const stage = await Stage.create({
      chance,
      agent: options.agent ?? SOUND_AGENT,
      controlPlane: options.controlPlane ?? SOUND_CONTROL_PLANE,
      tell: (nowMs, line) => options.tell?.(`${((nowMs - START_MS) / 1_000).toFixed(3).padStart(8)} ${line}`),
    });
    const world = new World(options, chance, stage);
    await world.#populate();
    return world;
  }

  outcome(): Outcome {
    const { judge, events, timeline, storyHash } = this.stage;
    return {
      seed: this.options.seed,
      violation: judge.violation,
      events,
      simulatedMs: timeline.nowMs - START_MS,
      settledMs: this.#settledMs,
      deeds: this.#deeds,
      storyHash,
    };
  }

  /** People act and everything that can go wrong does; nothing that must never happen may. */
  async storm(durationMs: number): Promise<void> {
    const { stage } = this;
    const chance = this.#chance.fork('storm');
    Object.assign(stage.network.weather, {
      loss: chance.pick([0, 0.02, 0.2]),
      duplication: chance.pick([0, 0.05, 0.3]),
      lateness: chance.pick([0, 0.05, 0.3]),
      lateMsMax: chance.pick([2_000, 60_000]),
      hostility: chance.pick([0, 0, 0.1, 0.4]),
      ...this.options.network,
    });
    const everyMs = chance.pick([3_000, 8_000, 25_000]);
    const faults = drawFaults(chance.fork('faults'));
    this.#repeat('fault', chance.fork('fault pauses'), [1, 2 * everyMs], (chance) => strike(faults, stage, chance));
    const outages = this.#chance.fork('outages');
    if (outages.happens(0.3)) this.#repeat('outage', outages, [2_000, 60_000], (chance) => loseDatabase(stage, chance));
    for (const person of this.#people)
      this.#repeat(person.name, chance.fork(`${person.name} pauses`), [200, 5_000], (chance) => person.act(chance));
    await stage.run(stage.timeline.nowMs + durationMs);
  }

  /** Everything is healed, and nobody wishes for anything more: all must become as it was wished. */
  async settle(withinMs: number): Promise<void> {
    if (this.stage.judge.violation) return;
    this.#isStorming = false;
    this.stage.calm();
    const tookMs = await this.stage.settle(withinMs);
    if (!this.stage.judge.violation) this.#settledMs = tookMs;
  }

  async #populate(): Promise<void> {
    const { stage } = this;
    const chance = this.#chance.fork('population');
    const roughness = drawRoughness(this.#chance.fork('roughness'));
    for (let number = 1; number <= chance.between(1, 3); number += 1) this.#addHost(number, chance, roughness);
    await stage.enrolHosts();
    const loops = chance.happens(0.3) ? 2 : 1;
    stage.network.isEmbedded = loops === 1 && chance.happens(0.6);
    const byTurns = loops > 1 && this.#chance.fork('turns').happens(0.4);
    // Whoever runs two of them keeps their clocks together, be they right or not.
    const offByMs = chance.pick([0, 0, chance.between(-HOUR_MS, HOUR_MS)]);
    for (let number = 1; number <= loops; number += 1) {
      const name = `control plane ${number}`;
      const clock = drawClock(chance.fork(`${name} clock`), offByMs + chance.between(-2_000, 2_000));
      stage.addControlPlane(name, chance.fork(name), clock, byTurns);
    }
    for (const name of ['ann', 'ben'].slice(0, chance.between(1, 2))) {
      const desk = () => {
        const open = stage.desks();
        return open.length > 0 ? chance.pick(open) : null;
      };
      this.#people.push(new Person(name, { stage, desk, manners: this.options.manners ?? SOUND_MANNERS, chance: chance.fork(name) }));
    }
    await stage.start();
  }

  #addHost(number: number, chance: Chance, roughness: Roughness): void {
    const name = `host${number}`;
    const weather = new HostWeather(chance.fork(`${name} weather`), roughness);
    if (chance.happens(0.2)) weather.poisoned.add(chance.pick(['100', '101', '102', 'debian-12']));
    const hostId = HostId.parse(`host_${chance.text(20)}`);
    if (this.#chance.fork(`${name} release`).happens(0.1)) this.stage.network.releases.newer.add(hostId);
    this.stage.addHost(hostId, name, chance.fork(name), weather, drawClock(chance.fork(`${name} clock`)));
  }

  /** What each deed draws is its own: without one of them the others are what they were. */
  #repeat(who: string, pauses: Chance, [from, to]: readonly [number, number], act: (chance: Chance) => void, number = 1): void {
    this.stage.timeline.after(pauses.between(from, to), () => {
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
}

const drawRoughness = (chance: Chance): Roughness => ({
  failing: chance.pick([0, 0.02, 0.15]),
  hanging: chance.pick([0, 0, 0.03]),
  slow: chance.pick([0, 0.02, 0.1]),
  ownEnds: chance.pick([0, 0.1, 0.3]),
  deafToShutdown: chance.pick([0, 0.3]),
  lostNotices: chance.pick([0, 0.2]),
});

/** Most clocks are right; those of some are up to an hour off, and none goes worse than quartz does. */
const drawClock = (chance: Chance, offByMs = chance.pick([0, 0, chance.between(-HOUR_MS, HOUR_MS)])): WallClock =>
  new WallClock(1 + chance.between(-500, 500) / 1_000_000, offByMs);
