import { backoff } from '@drover/shared/lib/backoff';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Resource } from '@drover/shared/model/resource';
import { HOSTLESS_TASKS, type HostlessTask, type TaskSpec, type TaskStatus } from '@drover/shared/model/task';
import type { Journal, TaskRecord } from '../journal.ts';
import type { Reporter } from '../reporter.ts';
import { parseWish } from '../wishes.ts';
import { consoleTask, exec } from './exec.ts';
import { hostPower } from './host-power.ts';
import { reboot } from './reboot.ts';
import type { TaskContext, TaskKind } from './task.ts';
import { upgrade } from './upgrade.ts';

/** Every kind of task that an agent runs. */
const KINDS: { readonly [D in Exclude<TaskSpec['do'], HostlessTask>]: TaskKind<D> } = {
  'guest.reboot': reboot,
  'guest.exec': exec,
  'guest.console': consoleTask,
  'host.power': hostPower,
  'agent.upgrade': upgrade,
};

const RUN_MS_MAX = 24 * 3_600_000;
const RETRY = { firstMs: 1_000, maxMs: 30_000 };

type Result = NonNullable<TaskRecord['result']>;

export interface TaskRunner {
  /** Begins, cancels, or says again what became of a task, as its journal entry asks. */
  wake(id: string): void;
  wakeAll(): void;
  stop(): void;
}

/** Runs tasks once: begun is journalled before acting, the result before reporting. */
export function createTaskRunner(ports: {
  journal: Journal;
  reporter: Reporter;
  clock: Clock;
  context: Omit<TaskContext, 'taskId' | 'signal' | 'begunAtMs' | 'log'>;
}): TaskRunner {
  const { journal, reporter, clock } = ports;
  const running = new Map<string, AbortController>();
  let stopped = false;

  function wake(id: string) {
    const entry = journal.get({ kind: 'task', id });
    if (!entry) return;
    if (entry.resource.deletion) {
      running.get(id)?.abort(new Problem('cancelled', 'the task was deleted'));
      journal.recordGone(entry.resource, clock.now());
      reporter.say({ ...statusOf(entry.resource, entry.digest, entry.task), gone: true }, true);
      return;
    }
    const wish = parseWish({ ...entry.resource, kind: 'task' });
    if (wish instanceof Problem) return void finish(id, { state: 'failed', problem: wish.view(), atMs: clock.now() });
    if (wish.spec.cancelled && !entry.task?.result) {
      const active = running.get(id);
      if (active) return active.abort(new Problem('cancelled', 'cancelled'));
      return void finish(id, { state: 'cancelled', atMs: clock.now() });
    }
    reporter.say(statusOf(entry.resource, entry.digest, entry.task), true);
    if (!entry.task?.result && !running.has(id)) void runOnce(id, wish.spec, entry.task ?? null);
  }

  async function runOnce(id: string, spec: TaskSpec, begun: TaskRecord | null): Promise<void> {
    const abort = new AbortController();
    running.set(id, abort);
    const cancelDeadline = clock.after(RUN_MS_MAX, () => abort.abort(new Problem('timeout', 'the task ran for a day')));
    const begunAtMs = begun?.begunAtMs ?? clock.now();
    const log = (line: string) => reporter.log({ kind: 'task', id }, line);
    try {
      const result = await resultOf(async () => {
        if (!begun) journal.recordTask({ kind: 'task', id }, { begunAtMs });
        return runOrRecover(spec, begun !== null, { ...ports.context, taskId: id, signal: abort.signal, begunAtMs, log });
      }, abort.signal);
      if (result) await finish(id, result);
    } finally {
      cancelDeadline();
      running.delete(id);
    }
  }

  /** How it ended; null when it did not: the agent is stopping, and its next start recovers the task from its record. */
  async function resultOf(run: () => Promise<Record<string, unknown>>, signal: AbortSignal): Promise<Result | null> {
    try {
      const value = await run();
      return { state: 'done', value, atMs: clock.now() };
    } catch (thrown) {
      const problem = signal.reason instanceof Problem ? signal.reason : Problem.from(thrown);
      if (problem === STOPPING) return null;
      const state = problem.code === 'cancelled' ? 'cancelled' : 'failed';
      return { state, problem: problem.view(), atMs: clock.now() };
    }
  }

  async function runOrRecover(spec: TaskSpec, hasBegun: boolean, context: TaskContext): Promise<Record<string, unknown>> {
    if (isHostless(spec)) throw new Problem('unsupported', 'a task of the control plane’s own was sent to a host');
    const kind = kindOf(spec);
    if (hasBegun) {
      const recovery = await kind.recover(spec, context);
      if (recovery.do === 'finished') return {};
      if (recovery.do === 'failed') throw new Problem('host-failed', recovery.detail);
    }
    return kind.run(spec, context);
  }

  /** Written down before it is said. A full disk is waited out: what was done must not be done again, nor pass for failed. */
  async function finish(id: string, result: Result): Promise<void> {
    const ref = { kind: 'task', id } as const;
    for (let attempt = 1; !stopped; attempt += 1) {
      const entry = journal.get(ref);
      if (!entry || entry.goneAtMs !== undefined) return;
      const task = { begunAtMs: entry.task?.begunAtMs ?? result.atMs, result };
      try {
        journal.recordTask(ref, task);
        reporter.say(statusOf(entry.resource, entry.digest, task), true);
        return;
      } catch (thrown) {
        reporter.log(ref, `cannot write down what became of it: ${Problem.from(thrown).message}`);
        await clock.sleep(backoff(attempt, 0, RETRY));
      }
    }
  }

  return {
    wake,
    wakeAll() {
      for (const entry of journal.all()) if (entry.resource.kind === 'task') wake(entry.resource.id);
    },
    stop() {
      stopped = true;
      for (const abort of running.values()) abort.abort(STOPPING);
    },
  };
}

const STOPPING = new Problem('cancelled', 'the agent is stopping');

type RunSpec = Exclude<TaskSpec, { do: HostlessTask }>;
const isHostless = (spec: TaskSpec): spec is Extract<TaskSpec, { do: HostlessTask }> => HOSTLESS_TASKS.some((verb) => verb === spec.do);

function kindOf(spec: RunSpec): {
  run(spec: RunSpec, context: TaskContext): Promise<Record<string, unknown>>;
  recover: TaskKind<RunSpec['do']>['recover'];
} {
  // Sound: the table's type pairs each key with its own kind, which an index by a union cannot express.
  return KINDS[spec.do] as unknown as ReturnType<typeof kindOf>;
}

function statusOf(resource: Resource, digest: string, task: TaskRecord | undefined) {
  const state = task?.result?.state ?? 'running';
  const observed: TaskStatus = {
    state,
    ...(task?.result?.value ? { result: task.result.value } : {}),
    ...(task?.result?.problem ? { problem: task.result.problem } : {}),
  };
  return {
    kind: 'task' as const,
    id: resource.id,
    acked: resource.generation,
    applied: task?.result ? resource.generation : 0,
    digest,
    condition: task?.result ? ('settled' as const) : ('working' as const),
    gone: false,
    observed: { ...observed },
  };
}
