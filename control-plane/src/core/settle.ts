import { isSameJson } from '@drover/shared/lib/digest';
import { Problem, type ProblemView } from '@drover/shared/lib/problem';
import { type Activity, type ResourceRef, type ResourceStatus, refKey } from '@drover/shared/model/resource';
import { TaskStatus } from '@drover/shared/model/task';
import type { LogLine, Report } from '@drover/shared/protocol/message';
import type { TaskLogWrite, TaskUpdate } from './change.ts';
import { type Held, isFinished, type Task } from './held.ts';

/** What a report means for the tasks that wait: done, failed, further on; and which lines belong to their logs. */
export function settleTasks(
  tasks: readonly Task[],
  /** A resource as it is once the report is absorbed. */
  after: (ref: ResourceRef) => Held | null,
  report: Pick<Report, 'statuses' | 'log'>,
  nowMs: number,
): { readonly updates: TaskUpdate[]; readonly log: TaskLogWrite[] } {
  const spokenOf = new Map(report.statuses.map((status) => [refKey(status), status]));
  const updates = tasks.flatMap((task) => {
    const progress = task.spec.do === 'apply' ? progressOfApply(task, task.spec.generation, after) : progressOfAct(task, spokenOf);
    return progress && isNews(task, progress) ? [update(task, progress, nowMs)] : [];
  });
  return { updates, log: report.log.flatMap((line) => linesFor(line, tasks)) };
}

type Progress = Pick<Task, 'state'> & Partial<Pick<Task, 'problem' | 'result' | 'activity' | 'waitingFor' | 'deadlineAtMs'>>;

function progressOfApply(task: Task, generation: number, after: (ref: ResourceRef) => Held | null): Progress {
  const target = after(task.target);
  if (!target) {
    if (task.purpose === 'delete') return { state: 'done' };
    return failure('cancelled', new Problem('gone', `${task.targetName} was deleted`).view());
  }
  const { status } = target;
  if (task.purpose !== 'delete' && !target.deletion && target.appliedGeneration >= generation) return { state: 'done' };
  if (status && target.ackedGeneration >= generation && hasGivenUp(status)) return failure('failed', problemOf(status));
  const image = task.image ? after({ kind: 'image', id: task.image.id }) : null;
  if (image?.status && image.ackedGeneration >= image.generation && hasGivenUp(image.status)) {
    return failure('failed', { ...problemOf(image.status), detail: `its image could not be made: ${problemOf(image.status).detail}` });
  }
  return {
    state: target.ackedGeneration >= generation ? 'running' : 'queued',
    activity: status?.activity ?? image?.status?.activity ?? null,
    waitingFor: status?.waitingFor ?? null,
  };
}

function progressOfAct(task: Task, spokenOf: ReadonlyMap<string, ResourceStatus>): Progress | null {
  const status = spokenOf.get(refKey({ kind: 'task', id: task.id }));
  if (!status) return null;
  if (hasGivenUp(status)) return failure('failed', problemOf(status));
  const said = TaskStatus.safeParse(status.observed);
  if (!said.success) return null;
  const { state, result = null, problem = null } = said.data;
  if (isFinished(state))
    return { state, result, problem: state === 'cancelled' && !problem ? new Problem('cancelled', 'cancelled').view() : problem };
  return { state, activity: status.activity ?? null, deadlineAtMs: endsInTime(task) ? task.deadlineAtMs : null };
}

/** Once begun, a stream may take as long as it likes. */
const endsInTime = ({ spec }: Task): boolean => spec.do !== 'guest.exec' && spec.do !== 'guest.console';

const hasGivenUp = ({ condition }: ResourceStatus): boolean => condition === 'needs-attention' || condition === 'unsupported';

function problemOf(status: ResourceStatus): ProblemView {
  if (status.problem) return status.problem;
  return status.condition === 'unsupported'
    ? new Problem('unsupported', 'the agent on this host does not understand it', { suggestion: 'update the agent there' }).view()
    : new Problem('host-failed', 'the host has given up for now').view();
}

const failure = (state: 'failed' | 'cancelled', problem: ProblemView): Progress => ({ state, problem });

function isNews(task: Task, progress: Progress): boolean {
  const visible = ({ state, activity, waitingFor, deadlineAtMs }: Partial<Task>) => [
    state,
    activity ?? null,
    waitingFor ?? null,
    deadlineAtMs ?? null,
  ];
  return !isSameJson(visible(task), visible({ deadlineAtMs: task.deadlineAtMs, ...progress }));
}

function update(task: Task, progress: Progress, nowMs: number): TaskUpdate {
  if (!isFinished(progress.state)) return { id: task.id, ...progress };
  return { id: task.id, ...progress, finishedAtMs: nowMs, activity: null as Activity | null, waitingFor: null };
}

/** A line goes to the tasks that wait for its resource; an image's also to the guests that are to be made from it. */
function linesFor(line: LogLine, tasks: readonly Task[]): TaskLogWrite[] {
  return tasks
    .filter(
      (task) =>
        refKey(task.target) === refKey(line) ||
        (line.kind === 'task' && task.id === line.id) ||
        (line.kind === 'image' && task.image?.id === line.id),
    )
    .map((task) => ({ taskId: task.id, atMs: line.atMs, line: line.line }));
}
