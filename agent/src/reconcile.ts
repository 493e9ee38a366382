import { type Clock, isTooEarly } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import type { GuestStatus } from '@drover/shared/model/guest';
import { type Activity, type Condition, type Resource, type ResourceRef, type ResourceStatus, refKey } from '@drover/shared/model/resource';
import type { Wish } from '@drover/shared/model/spec';
import { createBootTurns } from './boot-turns.ts';
import type { Choices } from './choices.ts';
import { isInForce, withChoice } from './core/choice.ts';
import { held } from './core/hold.ts';
import { GONE, type Plan, type PlanOf, SETTLED } from './core/plan.ts';
import type { Planners } from './core/planners.ts';
import { STEP_DEADLINE_MS, type Step, titleOfStep } from './core/step.ts';
import type { Drivers } from './drivers/drivers.ts';
import { attempting } from './host/file-problem.ts';
import type { Journal } from './journal.ts';
import { freshMemory, type Memory } from './memory.ts';
import { observeGuest, observeImage, observeNetwork, observeStorage } from './observe.ts';
import { perform } from './perform.ts';
import type { Queues } from './queues.ts';
import type { Reporter } from './reporter.ts';
import { parseWish, type Wishes } from './wishes.ts';

/** Everything is looked at again this often, whatever the drivers' watches say. */
const SWEEP_MS = 60_000;
const PASSES_MAX = 50;

export interface ReconcilerPorts {
  readonly journal: Journal;
  readonly wishes: Wishes;
  readonly drivers: Drivers;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly random: Random;
  readonly planners: Planners;
  readonly queues: Queues;
  /** Nothing is done to a guest before this after a start of the agent, unless the control plane was heard. */
  readonly heldUntilMs: () => number;
  readonly choices: Choices;
  /** The host goes down: nothing is done any more. */
  readonly isGoingDown: () => boolean;
  /** How long the host has been up. */
  readonly uptimeMs: () => number;
}

export interface Reconciler {
  /** Something about this resource may have changed. */
  wake(ref: ResourceRef): void;
  wakeAll(): void;
  /** The journal is another one: all is looked at afresh. */
  forget(): void;
  /** Runs `act` in the resource's own queue, between passes; a newer wish ends it by the signal. */
  exclusively<T>(ref: ResourceRef, act: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Somebody on the host asks for this resource now: until the returned function is called, neither a pause nor waiting for the control plane holds it up. */
  attend(ref: ResourceRef): () => void;
  /** What was last said of it; null: nothing yet. */
  lastWord(ref: ResourceRef): ResourceStatus | null;
  stop(): void;
}

/** The loop: observe, plan, perform, report; one queue per resource. */
export function createReconciler(ports: ReconcilerPorts): Reconciler {
  const { journal, wishes, drivers, reporter, clock, random, planners, queues, choices } = ports;
  const memories = new Map<string, Memory>();
  /** How many people on the host ask for it at this moment. */
  const attended = new Map<string, number>();
  const turns = createBootTurns({
    guests: () => wishes.all('guest').map((wish) => withChoice(wish, choices.powerOf(wish.id))),
    clock,
    startDelayMs: () => (wishes.all('host')[0]?.spec.startDelayS ?? 0) * 1_000,
    uptimeMs: ports.uptimeMs,
    wake: (id) => wake({ kind: 'guest', id }),
  });
  let stopped = false;
  let cancelSweep: () => void = () => {};

  function memoryOf(ref: ResourceRef): Memory {
    let memory = memories.get(refKey(ref));
    if (!memory) {
      memory = freshMemory();
      memories.set(refKey(ref), memory);
    }
    return memory;
  }

  function wake(ref: ResourceRef) {
    if (stopped || ref.kind === 'task') return;
    const memory = memoryOf(ref);
    const generation = journal.get(ref)?.resource.generation ?? 0;
    // A newer wish ends what is being done for the older one: it may take hours, and is not wanted any more.
    if (generation > memory.generation) memory.abort?.abort(new Problem('cancelled', 'a newer wish has come'));
    queues.run(refKey(ref), 'pass', () => reconcile(ref));
  }

  async function reconcile(ref: ResourceRef): Promise<void> {
    const memory = memoryOf(ref);
    memory.cancelTimer();
    for (let pass = 0; pass < PASSES_MAX && !stopped; pass += 1) {
      const entry = journal.get(ref);
      if (!entry) return;
      // Asked about again: it was seen to be gone, which no look at the host can make less true.
      if (entry.goneAtMs !== undefined) return sayGone(entry.resource, memory, {});
      if (entry.resource.generation !== memory.generation) {
        Object.assign(memory, { generation: entry.resource.generation, isFresh: true, attempts: 0, failure: null, problem: null });
      }
      if (!(await passOnce(entry.resource, memory))) return;
    }
  }

  /** One pass: true when the world should be looked at again at once. */
  async function passOnce(resource: Resource, memory: Memory): Promise<boolean> {
    let observed: Record<string, unknown> = {};
    try {
      const understood: Wish | Problem = parseWish(resource);
      if (understood instanceof Problem) {
        memory.problem = understood.view();
        say(resource, memory, { condition: 'unsupported', observed });
        return false;
      }
      const wish = understood.kind === 'guest' ? withChoice(understood, choices.powerOf(understood.id)) : understood;
      const seen = await attempting('looking at it', () => look(wish, memory));
      observed = seen.status;
      const plan = held(seen.plan, {
        isPaused: choices.paused() !== null,
        isGoingDown: ports.isGoingDown(),
        isAsked: isAttended(resource),
      });
      if (isSuperseded(resource)) return true;
      memory.waitingOn = plan.do === 'wait' ? (plan.on ?? null) : null;
      if (memory.waitingOn && memory.isFresh) tryAgain(memory.waitingOn);
      memory.isFresh = false;
      switch (plan.do) {
        case 'settled':
          settle(resource, memory, observed);
          return false;
        case 'gone':
          journal.recordGone(resource, clock.now());
          sayGone(resource, memory, observed);
          wakeDependents(resource);
          return false;
        case 'wait':
          wait(plan, resource, memory, observed);
          if (plan.untilMs !== null) wakeAt(resource, memory, plan.untilMs);
          return false;
        case 'perform':
          if (memory.failure && isTooEarly(clock.now(), memory.failure.atMs, memory.failure.notBeforeMs)) {
            memory.problem = memory.failure.problem;
            say(resource, memory, { condition: memory.failure.givenUp ? 'needs-attention' : 'waiting', observed });
            wakeAt(resource, memory, memory.failure.notBeforeMs);
            return false;
          }
          for (const step of plan.steps) {
            // What was planned for an older wish is not done for a newer one.
            if (isSuperseded(resource)) return true;
            await performStep(step, wish, resource, memory, observed);
          }
          memory.problem = null;
          memory.failure = null;
          memory.attempts = 0;
          return true;
      }
    } catch (thrown) {
      return failed(Problem.from(thrown), resource, memory, observed);
    }
  }

  function sayGone(resource: Resource, memory: Memory, observed: Record<string, unknown>) {
    say(resource, memory, { condition: 'settled', observed, gone: true });
    memories.delete(refKey(resource));
  }

  /** Somebody asks for what stands on it: whoever was to see to it may have done so. One failure gives it up again. */
  function tryAgain(ref: ResourceRef) {
    const memory = memoryOf(ref);
    if (!memory.givenUp) return;
    Object.assign(memory, { givenUp: null, failure: null });
    if (memory.waitingOn) tryAgain(memory.waitingOn);
    wake(ref);
  }

  /** What waits for something that has been given up has no better prospects, and says so. */
  function wait(plan: PlanOf<'wait'>, resource: Resource, memory: Memory, observed: Record<string, unknown>) {
    const hopeless = plan.on && memories.get(refKey(plan.on))?.givenUp;
    memory.problem = hopeless ? { ...hopeless, detail: `it needs ${plan.for}: ${hopeless.detail}` } : null;
    say(resource, memory, { condition: hopeless ? 'needs-attention' : 'waiting', observed, waitingFor: plan.for });
  }

  function failed(problem: Problem, resource: Resource, memory: Memory, observed: Record<string, unknown>): boolean {
    if (stopped) return false;
    // The newer wish starts afresh.
    if (isSuperseded(resource)) return true;
    memory.attempts += 1;
    memory.problem = problem.view();
    const { givenUp, delayMs } = planners.retry(
      { kind: resource.kind, attempts: memory.attempts, retryable: problem.retryable },
      random.fraction(),
    );
    const atMs = clock.now();
    const notBeforeMs = atMs + delayMs;
    memory.failure = { problem: memory.problem, atMs, notBeforeMs, givenUp };
    const guest = resource.kind === 'guest' ? wishes.get('guest', resource.id) : null;
    // Whoever comes after it does not wait for what fails.
    if (guest) turns.note(guest, null, { isKept: false, hasFailed: true });
    reporter.log(resource, `failed: ${problem.message}`);
    say(resource, memory, { condition: givenUp ? 'needs-attention' : 'waiting', observed });
    wakeAt(resource, memory, notBeforeMs);
    return false;
  }

  const isAttended = (ref: ResourceRef): boolean => attended.has(refKey(ref));

  function localOf({ id }: Wish<'guest'>): Pick<GuestStatus, 'local'> {
    const [wish, choice] = [wishes.get('guest', id), choices.powerOf(id)];
    return wish && isInForce(choice, wish) ? { local: { power: choice.power, atMs: choice.atMs } } : {};
  }

  const isSuperseded = (resource: Resource): boolean => journal.get(resource)?.resource.generation !== resource.generation;

  async function look(wish: Wish, memory: Memory): Promise<{ plan: Plan; status: Record<string, unknown> }> {
    switch (wish.kind) {
      case 'storage': {
        const { fabric, status } = await observeStorage(wish, wishes);
        return { plan: planners.storage(wish, fabric), status };
      }
      case 'network': {
        const fabric = await observeNetwork(wish, wishes);
        return { plan: planners.network(wish, fabric), status: { ready: fabric.ready } };
      }
      case 'image': {
        const { fabric, status } = await observeImage(wish, wishes);
        return { plan: planners.image(wish, fabric), status };
      }
      case 'guest': {
        const { world, status } = await observeGuest(wish, wishes, drivers);
        const shutdownAskedAtMs = memory.shutdown?.powerRequest === wish.spec.powerRequest ? memory.shutdown.atMs : null;
        const turn = world.guest?.lastRun?.end === 'host' ? turns.turnOf(wish) : null;
        const heldUntilMs = isAttended(wish) ? 0 : ports.heldUntilMs();
        const plan = planners.guest(wish, { ...world, shutdownAskedAtMs, heldUntilMs, turn }, clock.now());
        const isKept = plan.do === 'wait' && plan.on !== null;
        turns.note(wish, world.guest, { isKept, hasFailed: memory.failure !== null });
        return { plan, status: { ...status, ...localOf(wish) } };
      }
      case 'host':
        // Settings: each is read where it counts.
        return { plan: wish.deletion ? GONE : SETTLED, status: {} };
      case 'task':
        throw new Problem('internal', 'tasks are run, not reconciled');
    }
  }

  async function performStep(step: Step, wish: Wish, resource: Resource, memory: Memory, observed: Record<string, unknown>): Promise<void> {
    const title = titleOfStep(step, nameOf(wish));
    const activity: Activity = { title, progress: null, sinceMs: clock.now() };
    // Most steps are over before anybody could read what they are called: that is then not worth a report.
    say(resource, memory, { condition: 'working', observed, activity }, false);
    reporter.log(resource, title);
    const progress = {
      report(fraction: number | null, detail?: string) {
        say(
          resource,
          memory,
          { condition: 'working', observed, activity: { ...activity, progress: fraction, ...(detail ? { detail } : {}) } },
          false,
        );
      },
      log: (line: string) => reporter.log(resource, line),
    };
    const carryOut = async (abort: AbortController): Promise<void> => {
      const tooLong = new Problem('timeout', `${title} took too long`, { retryable: true });
      const cancelDeadline = clock.after(STEP_DEADLINE_MS[step.do], () => abort.abort(tooLong));
      await perform(step, { wish, wishes, drivers, progress, signal: abort.signal }).finally(cancelDeadline);
    };
    await attempting(title, () => abortably(memory, carryOut));
    if (step.do === 'guest.shutdown' && wish.kind === 'guest')
      memory.shutdown = { powerRequest: wish.spec.powerRequest, atMs: clock.now() };
  }

  /** Runs what a newer wish shall end. What was ended failed by that, whatever its tool said when it died. */
  async function abortably<T>(memory: Memory, act: (abort: AbortController) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    memory.abort = abort;
    try {
      return await act(abort);
    } catch (thrown) {
      throw abort.signal.reason instanceof Problem ? abort.signal.reason : thrown;
    } finally {
      memory.abort = null;
    }
  }

  function settle(resource: Resource, memory: Memory, observed: Record<string, unknown>) {
    const news = memory.applied !== resource.generation;
    memory.applied = resource.generation;
    memory.problem = null;
    memory.failure = null;
    memory.attempts = 0;
    say(resource, memory, { condition: 'settled', observed });
    if (news) wakeDependents(resource);
  }

  function wakeDependents(ref: ResourceRef) {
    for (const entry of journal.all()) {
      const on = memories.get(refKey(entry.resource))?.waitingOn;
      if (on && refKey(on) === refKey(ref)) wake(entry.resource);
    }
  }

  function wakeAt(ref: ResourceRef, memory: Memory, atMs: number) {
    memory.cancelTimer();
    memory.cancelTimer = clock.after(Math.max(0, atMs - clock.now()), () => wake(ref));
  }

  function say(
    resource: Resource,
    memory: Memory,
    word: { condition: Condition; observed: Record<string, unknown>; activity?: Activity; waitingFor?: string; gone?: boolean },
    urgent = true,
  ) {
    const entry = journal.get(resource);
    // Set aside meanwhile, and so not held.
    if (!entry) return;
    const { observed, gone = false, ...rest } = word;
    const status: ResourceStatus = {
      kind: resource.kind,
      id: resource.id,
      acked: entry.resource.generation,
      applied: memory.applied,
      digest: entry.digest,
      ...rest,
      ...(memory.problem && word.condition !== 'settled' ? { problem: memory.problem } : {}),
      gone,
      observed,
    };
    const givenUp = status.condition === 'needs-attention' || status.condition === 'unsupported' ? (status.problem ?? null) : null;
    const isTurn = (givenUp === null) !== (memory.givenUp === null);
    memory.givenUp = givenUp;
    if (isTurn) wakeDependents(resource);
    memory.said = status;
    const text = JSON.stringify(status);
    if (memory.lastSaid === text) return;
    memory.lastSaid = text;
    reporter.say(status, urgent);
  }

  function wakeAll() {
    for (const entry of journal.all()) wake(entry.resource);
    cancelSweep();
    if (!stopped) cancelSweep = clock.after(SWEEP_MS, wakeAll);
  }

  function drop(reason: Problem) {
    for (const memory of memories.values()) {
      memory.cancelTimer();
      memory.abort?.abort(reason);
    }
    memories.clear();
  }

  return {
    wake,
    wakeAll,
    forget() {
      drop(new Problem('cancelled', 'the journal was set aside'));
      wakeAll();
    },
    exclusively: (ref, act) => queues.exclusively(refKey(ref), () => abortably(memoryOf(ref), ({ signal }) => act(signal))),
    attend(ref) {
      const key = refKey(ref);
      attended.set(key, (attended.get(key) ?? 0) + 1);
      // Asked anew: what failed before is tried anew.
      Object.assign(memoryOf(ref), { isFresh: true, attempts: 0, failure: null, givenUp: null });
      return () => {
        const left = (attended.get(key) ?? 1) - 1;
        if (left > 0) attended.set(key, left);
        else attended.delete(key);
      };
    },
    lastWord: (ref) => memories.get(refKey(ref))?.said ?? null,
    stop() {
      stopped = true;
      cancelSweep();
      drop(new Problem('cancelled', 'the agent is stopping'));
    },
  };
}

function nameOf(wish: Wish): string {
  if (wish.kind === 'task') return wish.spec.do;
  return wish.kind === 'host' ? wish.id : wish.spec.name;
}
