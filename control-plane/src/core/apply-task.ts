import { Problem } from '@drover/shared/lib/problem';
import type { HostId } from '@drover/shared/model/id';
import type { ResourceKind, ResourceRef } from '@drover/shared/model/resource';
import type { Ask, EventWrite, TaskUpdate } from './change.ts';
import type { Held, Task, TaskPurpose } from './held.ts';

interface Awaited {
  readonly purpose: TaskPurpose;
  readonly title: string;
  readonly target: ResourceRef;
  readonly targetName: string;
  readonly hostId: HostId;
  readonly generation: number;
  readonly deadlineAtMs?: number;
  readonly image?: Task['image'];
}

/** The wait for a generation to hold, as a task that people can follow. */
export function applyTask(awaited: Awaited, ask: Ask): Task {
  const { purpose, title, target, targetName, hostId, generation, deadlineAtMs = null, image = null } = awaited;
  return {
    ...blankTask(ask),
    purpose,
    spec: { do: 'apply', target, generation, cancelled: false },
    title,
    target,
    targetName,
    hostId,
    deadlineAtMs,
    image,
  };
}

/** For a wish that holds already. */
export const doneTask = (awaited: Awaited, ask: Ask): Task => ({ ...applyTask(awaited, ask), state: 'done', finishedAtMs: ask.nowMs });

export const blankTask = (ask: Pick<Ask, 'by' | 'nowMs' | 'taskId'>) =>
  ({
    id: ask.taskId,
    state: 'queued',
    createdBy: ask.by,
    createdAtMs: ask.nowMs,
    finishedAtMs: null,
    deadlineAtMs: null,
    problem: null,
    result: null,
    activity: null,
    waitingFor: null,
    image: null,
  }) as const;

/** Ends tasks whose wish was replaced by another one that makes them moot. */
export function superseded(tasks: readonly Task[], purposes: readonly TaskPurpose[], detail: string, nowMs: number): TaskUpdate[] {
  const problem = new Problem('cancelled', detail);
  return tasks.filter(({ purpose }) => purposes.includes(purpose)).map((task) => endedTask(task, 'cancelled', problem, nowMs));
}

/** Ends a task before what it asked for has come about. */
export const endedTask = ({ id }: Pick<Task, 'id'>, state: 'failed' | 'cancelled', problem: Problem, nowMs: number): TaskUpdate => ({
  id,
  state,
  finishedAtMs: nowMs,
  problem: problem.view(),
  activity: null,
  waitingFor: null,
});

export const changedTasks = (tasks: readonly { readonly id: string }[]): EventWrite[] =>
  [...new Set(tasks.map(({ id }) => id))].map((id) => ({ kind: 'task', id, gone: false }));

export const refOf = (held: Pick<Held, 'kind' | 'id'>): { readonly kind: ResourceKind; readonly id: string } => ({
  kind: held.kind,
  id: held.id,
});

/** If-Match: the caller decided by looking at this generation. */
export function checkGeneration(held: Pick<Held, 'kind' | 'id' | 'generation'>, ask: Ask): void {
  if (ask.ifMatch === undefined || ask.ifMatch === held.generation) return;
  throw new Problem('stale-generation', `${held.kind} ${held.id} is at generation ${held.generation}, not ${ask.ifMatch}`, {
    field: 'If-Match',
    suggestion: 'look at it as it is now, and decide again',
  });
}
