import { HostId } from '@drover/shared/model/id';
import { type Resource, type ResourceRef, type ResourceStatus, refKey } from '@drover/shared/model/resource';
import { createChoices } from '../../agent/src/choices.ts';
import { PLANNERS } from '../../agent/src/core/planners.ts';
import type { Drivers } from '../../agent/src/drivers/drivers.ts';
import { endGuests } from '../../agent/src/going-down.ts';
import { Journal } from '../../agent/src/journal.ts';
import { type Answers, createAnswers } from '../../agent/src/local/answers.ts';
import { createQueues } from '../../agent/src/queues.ts';
import { createReconciler } from '../../agent/src/reconcile.ts';
import { NO_HOST_ACTIONS } from '../../agent/src/tasks/host-actions.ts';
import { createTaskRunner } from '../../agent/src/tasks/runner.ts';
import { createWishes } from '../../agent/src/wishes.ts';
import { createChance } from './chance.ts';
import { createSimulatedDisk, emptyDisk } from './disk.ts';
import { createSimulatedDrivers } from './hypervisor.ts';
import { MortalLife, realLife, type WallClock } from './life.ts';
import { Machine, type Weather } from './machine.ts';
import { quiet, Timeline } from './timeline.ts';
import { fairWeather } from './weather.ts';

export interface LoneHostOptions {
  readonly weather?: Partial<Weather>;
  readonly wallClock?: WallClock;
  readonly drivers?: (drivers: Drivers) => Drivers;
}

/** The loop and the tasks of one agent on a simulated host, wished to by a test and heard by it, with nothing between them. */
export class LoneHost {
  readonly timeline = new Timeline(1_000_000);
  readonly journal = new Journal(createSimulatedDisk(emptyDisk(), realLife), '/journal', 'boot', 0);
  readonly choices = createChoices(createSimulatedDisk(emptyDisk(), realLife), '/choices.json', () => {});
  readonly machine: Machine;
  /** As somebody on the host itself asks. */
  readonly answers: Answers;
  /** How often the control plane was told of the host anew. */
  introductions = 0;
  /** What was said as the host went down. */
  readonly said: string[] = [];
  readonly #statuses = new Map<string, ResourceStatus>();
  readonly #wake: (ref: ResourceRef) => void;

  constructor({ weather = {}, wallClock, drivers: changed = (drivers) => drivers }: LoneHostOptions = {}) {
    const life = new MortalLife(this.timeline, wallClock);
    const { clock } = life;
    this.machine = new Machine('lone', clock, { ...fairWeather(createChance('lone')), ...weather });
    const drivers = changed(createSimulatedDrivers({ machine: this.machine, life }));
    const wishes = createWishes(this.journal, drivers);
    const reporter = {
      say: (status: ResourceStatus) => void this.#statuses.set(refKey(status), status),
      log() {},
      figures() {},
      inventoryChanged: () => {
        this.introductions += 1;
      },
      connected() {},
      disconnected() {},
      replied: () => true,
      refuse() {},
      stop() {},
    };
    const { choices, journal } = this;
    let goingDown: Promise<void> | null = null;
    const isGoingDown = () => goingDown !== null;
    const ports = { journal, reporter, choices, clock };
    const reconciler = createReconciler({
      ...ports,
      wishes,
      drivers,
      random: createChance('lone'),
      planners: PLANNERS,
      queues: createQueues(),
      heldUntilMs: () => 0,
      isGoingDown,
      uptimeMs: () => Number.POSITIVE_INFINITY,
    });
    const dialRelay = () => Promise.reject(new Error('there is no relay'));
    const tasks = createTaskRunner({
      ...ports,
      context: { wishes, drivers, reconciler, choices, clock, dialRelay, hostActions: NO_HOST_ACTIONS },
    });
    const link = () => ({ connected: false, sinceMs: 0, why: null });
    const pauseChanged = reporter.inventoryChanged;
    const goDown = () => {
      goingDown ??= endGuests({ wishes, drivers, clock, log: (line) => void this.said.push(line) });
      return goingDown;
    };
    const about = { hostId: 'host_0123456789', link, isGoingDown, goDown, pauseChanged };
    this.answers = createAnswers({ ...about, ...ports, wishes, drivers, reconciler });
    for (const driver of Object.values(drivers.guests)) driver.watch((id) => reconciler.wake({ kind: 'guest', id: String(id) }));
    this.#wake = (ref) => (ref.kind === 'task' ? tasks.wake(ref.id) : reconciler.wake(ref));
  }

  /** As when a command has come. */
  wish(ref: ResourceRef, generation: number, spec: Record<string, unknown>, deletion: Resource['deletion'] = null): void {
    this.journal.accept({ ...ref, hostId: HostId.parse('host_0123456789'), generation, spec, deletion });
    this.#wake(ref);
  }

  /** What was last said of it. */
  status(ref: ResourceRef): ResourceStatus {
    const status = this.#statuses.get(refKey(ref));
    if (!status) throw new Error(`nothing was said of ${refKey(ref)}`);
    return status;
  }

  async pass(ms: number): Promise<void> {
    await quiet();
    const untilMs = this.timeline.nowMs + ms;
    while (await this.timeline.step(untilMs));
  }
}
