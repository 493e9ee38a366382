import type { Broker } from '../../control-plane/src/broker/broker.ts';
import type { Cells } from '../../control-plane/src/broker/cells.ts';
import type { Store } from '../../control-plane/src/db/store.ts';
import { createDispatcher, type Dispatcher } from '../../control-plane/src/loop/dispatch.ts';
import { type Perform, performer } from '../../control-plane/src/loop/perform.ts';
import { createReceiver } from '../../control-plane/src/loop/receive.ts';
import { startTicking } from '../../control-plane/src/loop/tick.ts';
import type { Chance } from './chance.ts';
import { MortalLife, type WallClock } from './life.ts';
import type { Network } from './link.ts';
import { livingStore, type Reach } from './living-store.ts';
import { openSharedCell, type SharedCell } from './shared-cell.ts';
import { simulatedSigner } from './signer.ts';
import type { Timeline } from './timeline.ts';

/** Rarer than in earnest: nothing may depend on it, and each costs time. */
const TICK_MS = 5_000;

/** Where a rule of the control plane can be switched off, to see that the simulation notices. */
export interface ControlPlaneParts {
  readonly store: (store: Store) => Store;
  readonly broker: (broker: Broker, store: Store) => Broker;
  readonly cells: (cells: Cells) => Cells;
}

export const SOUND_CONTROL_PLANE: ControlPlaneParts = {
  store: (store) => store,
  broker: (broker) => broker,
  cells: (cells) => cells,
};

/** What a living control plane offers to those who ask it. */
export interface Desk {
  readonly name: string;
  readonly life: MortalLife;
  readonly store: Store;
  readonly perform: Perform;
  readonly database: Reach;
  /** Null: it shares none with others, or with ones that all think that they serve it. */
  readonly cell: Pick<SharedCell, 'serves'> | null;
}

/** The real receive, dispatch and tick over a store that others may share, killed and started like a process. */
export class SimulatedControlPlane {
  desk: Desk | null = null;
  startedAtMs = 0;
  readonly database: Reach = { isAway: false, awayAfter: null };

  constructor(
    readonly name: string,
    private readonly timeline: Timeline,
    private readonly chance: Chance,
    private readonly network: Network,
    private readonly store: () => Store,
    private readonly parts: ControlPlaneParts,
    readonly wallClock: WallClock,
    private readonly log: (line: string) => void,
    /** One of several on a database, that serve the cell by turns. */
    readonly isSharing: boolean,
  ) {}

  async start(): Promise<void> {
    if (this.desk) return;
    const life = new MortalLife(this.timeline, this.wallClock);
    const { clock } = life;
    const store = this.parts.store(livingStore(this.store(), life, this.chance, this.database));
    const log = (line: string) => void (life.isAlive && this.log(`${this.name}: ${line}`));
    const own = this.network.brokerFor(life);
    const cell = this.isSharing ? this.#share(store, own, life, log) : null;
    const broker = this.parts.broker(cell?.broker ?? own, store);
    const dispatcher: Dispatcher = createDispatcher({ store, clock, random: this.chance, broker, signer: simulatedSigner, failed: log });
    const perform = performer(store, (hostId) => dispatcher.nudge(hostId));
    this.desk = { name: this.name, life, store, perform, database: this.database, cell };
    this.startedAtMs = this.timeline.nowMs;
    this.log(`${this.name} starts`);
    if (!cell) await store.disconnectAll();
    const receiver = createReceiver({ store, clock, random: this.chance, broker, dispatcher, signer: simulatedSigner, log });
    broker.onMessage((topic, payload) => receiver.message(topic, payload));
    broker.onPresence((hostId, connected) => receiver.presence(hostId, connected));
    const turns = cell ? { isLeader: cell.leads, holds: cell.serves } : {};
    startTicking({ store, clock, random: this.chance, dispatcher, receiver, log, ...turns }, TICK_MS);
  }

  #share(store: Store, broker: Broker, { clock }: MortalLife, log: (line: string) => void): SharedCell {
    const disconnectAll = () => this.network.dropAll();
    const process = this.chance.text(20);
    return openSharedCell({ store: store.cells, broker, disconnectAll, process, clock, random: this.chance, cells: this.parts.cells, log });
  }

  crash(why: string, restartAfterMs: number | null = this.chance.between(300, 6_000)): void {
    const { desk } = this;
    if (!desk) return;
    this.log(`${this.name} dies (${why})`);
    desk.life.end();
    this.#ended(desk.life);
    if (restartAfterMs !== null) this.timeline.after(restartAfterMs, () => void this.start());
  }

  /** Lets it die at one of the next places where it touches the world, such as between a commit and its dispatch. */
  lightFuse(at: number | string): void {
    const { desk } = this;
    desk?.life.light(at, (label) => {
      this.log(`${this.name} dies at "${label}"`);
      this.timeline.after(0, () => {
        if (this.desk !== desk) return;
        this.#ended(desk.life);
        this.timeline.after(this.chance.between(300, 6_000), () => void this.start());
      });
    });
  }

  #ended(life: MortalLife): void {
    this.desk = null;
    this.network.controlPlaneEnded(life);
  }
}
