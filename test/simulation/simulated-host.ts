import type { HostId } from '@drover/shared/model/id';
import { type Agent, startAgent } from '../../agent/src/agent.ts';
import { PLANNERS, type Planners } from '../../agent/src/core/planners.ts';
import type { Drivers } from '../../agent/src/drivers/drivers.ts';
import type { Disk } from '../../agent/src/host/disk.ts';
import { createInbound, type Inbound, type InboundPorts } from '../../agent/src/inbound.ts';
import { Journal } from '../../agent/src/journal.ts';
import type { Link } from '../../agent/src/link.ts';
import { createQueues, type Queues } from '../../agent/src/queues.ts';
import type { RelaySocket } from '../../agent/src/tasks/relay.ts';
import type { Chance } from './chance.ts';
import { createSimulatedDisk, type DiskState, emptyDisk } from './disk.ts';
import { createSimulatedDrivers, simulatedInventory } from './hypervisor.ts';
import { type Life, MortalLife, type WallClock } from './life.ts';
import type { Network } from './link.ts';
import { Machine, type MachineEvent } from './machine.ts';
import type { Timeline } from './timeline.ts';
import type { HostWeather } from './weather.ts';

/** Where a rule of the agent can be switched off, to see that the simulation notices. */
export interface AgentParts {
  /** Takes the lock on the journal for the life of a process; false: another one has it. */
  readonly lock: (host: SimulatedHost, life: Life) => boolean;
  readonly disk: (disk: Disk, host: SimulatedHost) => Disk;
  readonly journal: (disk: Disk, folder: string, hostBootId: string, nowMs: number) => Journal;
  readonly inbound: (ports: InboundPorts) => Inbound;
  readonly link: (link: Link) => Link;
  readonly drivers: (drivers: Drivers, host: SimulatedHost) => Drivers;
  readonly planners: Planners;
  readonly queues: () => Queues;
}

export const SOUND_AGENT: AgentParts = {
  lock(host, life) {
    // As the operating system does: it is free again as soon as its holder has ended, however that came.
    if (host.lockedBy?.isAlive) return false;
    host.lockedBy = life;
    return true;
  },
  disk: (disk) => disk,
  journal: (disk, folder, hostBootId, nowMs) => new Journal(disk, folder, hostBootId, nowMs),
  inbound: createInbound,
  link: (link) => link,
  drivers: (drivers) => drivers,
  planners: PLANNERS,
  queues: createQueues,
};

export interface HostSpies {
  machine(host: SimulatedHost, event: MachineEvent): void;
  journalled(host: SimulatedHost, path: string, text: string): void;
  opened(host: SimulatedHost, journal: Journal): void;
}

/** The kernel writes by itself what is older. */
const WRITEBACK_MS = 30_000;
export const JOURNAL_FOLDER = '/journal';

/** One host with the real agent on it, which can be killed and started like a process. */
export class SimulatedHost {
  readonly machine: Machine;
  readonly disk: DiskState = emptyDisk();
  /** The agent's present life, and what it knows. */
  life: MortalLife | null = null;
  journal: Journal | null = null;
  startedAtMs = 0;
  /** The process that has the journal for itself. */
  lockedBy: Life | null = null;
  #agent: Agent | null = null;
  #isUp = true;

  constructor(
    readonly hostId: HostId,
    readonly name: string,
    private readonly timeline: Timeline,
    private readonly chance: Chance,
    private readonly network: Network,
    private readonly parts: AgentParts,
    private readonly log: (line: string) => void,
    readonly weather: HostWeather,
    readonly wallClock: WallClock,
    private readonly spies: HostSpies,
  ) {
    const clock = new MortalLife(timeline, wallClock).clock;
    this.machine = new Machine(name, clock, weather, (event) => spies.machine(this, event));
  }

  async start(): Promise<void> {
    if (!this.life) await this.startOneMore();
  }

  /** Starts a process of the agent, be there one already or not: somebody may do so by hand. */
  async startOneMore(): Promise<void> {
    if (!this.#isUp) return;
    const life = new MortalLife(this.timeline, this.wallClock);
    if (!this.parts.lock(this, life)) {
      this.log(`${this.name}: a second agent ends at once: another process already uses the journal`);
      return life.end();
    }
    this.life = life;
    this.startedAtMs = this.timeline.nowMs;
    const { clock } = life;
    const disk = this.parts.disk(
      createSimulatedDisk(this.disk, life, (path, text) => this.spies.journalled(this, path, text)),
      this,
    );
    const drivers = this.parts.drivers(createSimulatedDrivers({ machine: this.machine, life }), this);
    const inventory = await simulatedInventory(this.machine, drivers);
    if (!life.isAlive) return;
    try {
      this.journal = this.parts.journal(disk, JOURNAL_FOLDER, this.machine.bootId, clock.now());
    } catch (thrown) {
      // As when the disk is full: the process ends, and is started again by whoever watches over it.
      this.log(`${this.name}: the agent cannot start: ${String(thrown)}`);
      this.crashAgent('cannot start');
      return;
    }
    if (!life.isAlive) return;
    this.spies.opened(this, this.journal);
    this.log(`${this.name}: the agent starts, for the ${this.journal.boot}. time`);
    this.#agent = startAgent({
      hostId: this.hostId,
      journal: this.journal,
      drivers,
      link: this.parts.link(this.network.linkFor(this.hostId, life, this.parts.inbound)),
      clock,
      random: this.chance,
      inventory,
      dialRelay: async () => simulatedRelaySocket(life),
      planners: this.parts.planners,
      queues: this.parts.queues(),
      log: (line) => life.isAlive && this.log(`${this.name}: ${line}`),
    });
  }

  /** Kills the agent where it stands; it is started again after a while. */
  crashAgent(why: string, restartAfterMs: number | null = this.chance.between(200, 8_000)): void {
    const { life } = this;
    if (!life) return;
    this.log(`${this.name}: the agent dies (${why})`);
    life.end();
    this.#forgetAgent(life);
    if (restartAfterMs !== null) this.#startAfter(restartAfterMs);
  }

  /** Lets the agent die at one of the next places where it touches the world. */
  lightFuse(at: number | string): void {
    const { life } = this;
    life?.light(at, (label) => {
      this.log(`${this.name}: the agent dies at "${label}"`);
      // Not from within its own call: what runs on sees only dead ports.
      this.timeline.after(0, () => {
        this.#forgetAgent(life);
        this.#startAfter(this.chance.between(200, 8_000));
      });
    });
  }

  async stopAgent(): Promise<void> {
    const { life } = this;
    const agent = this.#agent;
    if (!life || !agent) return;
    this.log(`${this.name}: the agent is stopped`);
    await agent.stop('ended by a person');
    life.end();
    this.#forgetAgent(life);
    this.#startAfter(this.chance.between(200, 8_000));
  }

  crashHost(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.log(`${this.name}: power off`);
    this.crashAgent('power off', null);
    this.machine.crash();
    this.#losesUnflushed();
    this.timeline.after(this.chance.between(5_000, 40_000), () => {
      this.#isUp = true;
      this.log(`${this.name}: power on`);
      this.#startAfter(1_000);
    });
  }

  #losesUnflushed(): void {
    const { files, unflushed } = this.disk;
    for (const { path, text, atMs } of unflushed.splice(0).reverse()) {
      if (atMs < this.timeline.nowMs - WRITEBACK_MS) continue;
      if (text === null) files.delete(path);
      else files.set(path, text);
    }
  }

  /** Bit rot: one byte of one file of the journal. */
  damage(path: string): void {
    const text = this.disk.files.get(path);
    if (text === undefined) return;
    const at = this.chance.between(0, text.length - 1);
    this.disk.files.set(path, `${text.slice(0, at)}${text[at] === '#' ? '%' : '#'}${text.slice(at + 1)}`);
    this.log(`${this.name}: ${path} is damaged`);
  }

  #forgetAgent(life: MortalLife): void {
    if (this.life !== life) return;
    this.life = null;
    this.journal = null;
    this.#agent = null;
    this.network.agentEnded(life);
  }

  #startAfter(delayMs: number): void {
    this.timeline.after(delayMs, () => void this.start());
  }
}

/** Nobody at the other end: takes what it is given, until the stream ends. */
function simulatedRelaySocket(life: MortalLife): RelaySocket {
  let closed: () => void = () => {};
  life.clock.after(3_000, () => closed());
  return {
    sendBytes() {},
    sendText() {},
    bufferedBytes: 0,
    onBytes() {},
    onText() {},
    onClose(listener) {
      closed = listener;
    },
    close: () => closed(),
  };
}
