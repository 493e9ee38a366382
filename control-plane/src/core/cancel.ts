import { Problem } from '@drover/shared/lib/problem';
import { changedTasks, superseded } from './apply-task.ts';
import type { Accepted, Ask, Change, Decision, TaskUpdate, WishWrite } from './change.ts';
import { tombstoneOf } from './guests.ts';
import { type Held, isFinished, isKind, type Task } from './held.ts';
import { imageTombstone, isReady } from './images.ts';
import { cancelledCarrier } from './tasks.ts';
import type { ImageDecisionView, TaskDecisionView } from './views.ts';

/** Cancelling is a newer wish: what was asked for is taken back, as far as that can be done. */
export function cancelTask(view: TaskDecisionView, ask: Ask): Decision<Accepted> {
  const { task, target, carrier } = view;
  if (isFinished(task.state)) throw new Problem('wrong-state', `the task "${task.title}" has ended already`);
  if (task.spec.do !== 'apply') return cancelAct(task, carrier, ask);
  if (!target) return ended(task, [], [], ask);
  if (isKind('guest')(target)) return cancelOfGuest(view, target, ask);
  if (isKind('image')(target) && task.purpose === 'create') {
    const others = view.targetAsImage?.usedBy ?? [];
    if (others.length > 0) {
      throw new Problem('in-use', `image ${target.spec.name} is awaited by guest ${others.map(({ name }) => name).join(', ')}`, {
        suggestion: 'cancel its creation, or delete it',
      });
    }
    return ended(task, target.deletion ? [] : [imageTombstone(target, ask.nowMs)], [], ask);
  }
  throw refusal(task);
}

function cancelAct(task: Task, carrier: Held<'task'> | null, ask: Ask): Decision<Accepted> {
  const answer: Accepted = { ref: { kind: 'task', id: task.id }, taskId: task.id };
  if (!carrier) return ended(task, [], [], ask);
  // It ends when the host says so: it may be too late.
  const change: Change = carrier.spec.cancelled
    ? { by: ask.by, atMs: ask.nowMs }
    : {
        by: ask.by,
        atMs: ask.nowMs,
        wishes: [cancelledCarrier(carrier)],
        taskUpdates: [{ id: task.id, spec: { ...task.spec, cancelled: true } }],
        events: changedTasks([task]),
      };
  return { change, answer };
}

function cancelOfGuest(view: TaskDecisionView, guest: Held<'guest'>, ask: Ask): Decision<Accepted> {
  const { task, image } = view;
  if (guest.deletion || task.purpose === 'delete') throw refusal(task);
  const others = view.tasksOfTarget.filter(({ id }) => id !== task.id);
  switch (task.purpose) {
    case 'create': {
      const moot = superseded(others, ['edit', 'start', 'shutdown', 'stop'], 'the creation of the guest was cancelled', ask.nowMs);
      return ended(task, [tombstoneOf(guest, ask), ...imageMadeForIt(task, guest, image, ask)], moot, ask);
    }
    case 'start':
      return ended(task, [powered(guest, 'off')], [], ask);
    case 'shutdown':
      return ended(task, [powered(guest, 'running')], [], ask);
    default:
      throw refusal(task);
  }
}

/** The image that this task had asked for goes too, while it is not there yet and nobody else waits for it. */
function imageMadeForIt(task: Task, guest: Held<'guest'>, image: ImageDecisionView | null, ask: Ask): WishWrite[] {
  if (!task.image?.made || !image || image.image.deletion || isReady(image.image)) return [];
  const isAwaited = image.usedBy.some(({ id }) => String(id) !== guest.id) || image.tasks.length > 0;
  return isAwaited ? [] : [imageTombstone(image.image, ask.nowMs)];
}

const powered = (guest: Held<'guest'>, power: 'off' | 'running'): WishWrite => ({
  kind: 'guest',
  id: guest.id,
  hostId: guest.hostId,
  generation: guest.generation + 1,
  spec: { ...guest.spec, power, powerRequest: guest.spec.powerRequest + 1 },
  deletion: null,
});

function ended(task: Task, wishes: readonly WishWrite[], alsoEnded: readonly TaskUpdate[], ask: Ask): Decision<Accepted> {
  const problem = new Problem('cancelled', `cancelled by ${ask.by}`).view();
  const update: TaskUpdate = { id: task.id, state: 'cancelled', finishedAtMs: ask.nowMs, problem, activity: null, waitingFor: null };
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      wishes,
      taskUpdates: [update, ...alsoEnded],
      events: [...wishes.map(({ kind, id }) => ({ kind, id, gone: false })), ...changedTasks([update, ...alsoEnded])],
    },
    answer: { ref: task.target, taskId: task.id },
  };
}

function refusal(task: Task): Problem {
  const reasons: { readonly [P in Task['purpose']]: string } = {
    create: 'it cannot be taken back',
    edit: 'what was edited is wished already; edit it back instead',
    start: 'it cannot be taken back',
    shutdown: 'it cannot be taken back',
    stop: 'a guest that is being stopped cannot be saved from it; start it afterwards',
    delete: 'a deletion cannot be taken back',
    act: 'it cannot be taken back',
  };
  return new Problem('wrong-state', `the task "${task.title}" cannot be cancelled: ${reasons[task.purpose]}`);
}
