import { canonicalJson } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import { GuestStatus } from '@drover/shared/model/guest';
import type { TaskSpec } from '@drover/shared/model/task';
import { blankTask, changedTasks, endedTask, refOf, superseded } from './apply-task.ts';
import type { Accepted, Ask, Change, Decision, TaskUpdate, WishWrite } from './change.ts';
import { tombstoneOf } from './guests.ts';
import { type Held, isFinished, isKind, type Task } from './held.ts';
import { imageTombstone, isReady } from './images.ts';
import type { GuestDecisionView, ImageDecisionView, TaskDecisionView } from './views.ts';

/** By then the host must have begun; the ticket of the relay is void even earlier. */
const STREAM_BEGIN_MS = 60_000;
const REBOOT_MS = 300_000;
const COMMAND_BYTES_MAX = 80 * 1024;

export function beginReboot(view: GuestDecisionView, input: { readonly force: boolean }, ask: Ask): Decision<Accepted> {
  const verb = input.force ? 'reset' : 'reboot';
  return begin(
    view,
    { do: 'guest.reboot', guestId: Number(view.guest.id), force: input.force, cancelled: false },
    `${verb} guest`,
    REBOOT_MS,
    ask,
  );
}

/** `ticket`: of the relay, 40 characters of [a-z0-9]. */
export function beginExec(
  view: GuestDecisionView,
  input: { readonly command: readonly string[]; readonly tty: boolean; readonly ticket: string },
  ask: Ask,
): Decision<Accepted> {
  if (canonicalJson(input.command).length > COMMAND_BYTES_MAX) {
    throw new Problem('too-large', 'command: longer than 80 KiB in all', { field: 'command', suggestion: 'send the rest as its input' });
  }
  const { tty, ticket } = input;
  const spec: TaskSpec = { do: 'guest.exec', guestId: Number(view.guest.id), command: [...input.command], tty, ticket, cancelled: false };
  return begin(view, spec, 'run a command in guest', STREAM_BEGIN_MS, ask);
}

export function beginConsole(view: GuestDecisionView, input: { readonly ticket: string }, ask: Ask): Decision<Accepted> {
  const spec: TaskSpec = { do: 'guest.console', guestId: Number(view.guest.id), ticket: input.ticket, cancelled: false };
  return begin(view, spec, 'console of guest', STREAM_BEGIN_MS, ask);
}

function begin({ guest, host }: GuestDecisionView, spec: TaskSpec, title: string, deadlineMs: number, ask: Ask): Decision<Accepted> {
  const { name } = guest.spec;
  if (guest.deletion) throw new Problem('gone', `guest ${name} is being deleted`);
  if (!host.connected) {
    throw new Problem('host-away', `the host ${host.name} is away`, { retryable: true, suggestion: 'try again when it is back' });
  }
  if (GuestStatus.safeParse(guest.status?.observed).data?.power !== 'running') {
    throw new Problem('wrong-state', `guest ${name} is not running`, { suggestion: `start it first: drover guest start ${name}` });
  }
  const task: Task = {
    ...blankTask(ask),
    purpose: 'act',
    spec,
    title: `${title} ${name}`,
    target: refOf(guest),
    targetName: name,
    hostId: guest.hostId,
    deadlineAtMs: ask.nowMs + deadlineMs,
  };
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      wishes: [{ kind: 'task', id: task.id, hostId: guest.hostId, generation: 1, spec, deletion: null }],
      newTasks: [task],
      events: changedTasks([task]),
    },
    answer: { ref: { kind: 'task', id: task.id }, taskId: task.id },
  };
}

/** What the host is sent so that it ends a task that it may be carrying out: the same task, cancelled. */
export function cancelledCarrier(carrier: Held<'task'>): WishWrite & { readonly kind: 'task' } {
  const { kind, id, hostId, generation, spec, deletion } = carrier;
  return { kind, id, hostId, generation: generation + 1, spec: { ...spec, cancelled: true }, deletion };
}

/** A task that has run out of time fails; what it waited for is still wished, and a host that acts is told to end it. */
export function expireTask(
  view: { readonly task: Task; readonly carrier: Held<'task'> | null; readonly hostIsAway: boolean },
  nowMs: number,
): Decision<null> {
  const { task, carrier, hostIsAway } = view;
  if (isFinished(task.state) || task.deadlineAtMs === null || task.deadlineAtMs > nowMs)
    return { change: { by: 'drover', atMs: nowMs }, answer: null };
  const update = endedTask(task, 'failed', lateness(task, hostIsAway), nowMs);
  return {
    change: {
      by: 'drover',
      atMs: nowMs,
      ...(carrier && !carrier.spec.cancelled ? { wishes: [cancelledCarrier(carrier)] } : {}),
      taskUpdates: [update],
      events: changedTasks([update]),
    },
    answer: null,
  };
}

function lateness(task: Task, hostIsAway: boolean): Problem {
  if (hostIsAway) return new Problem('host-away', 'its host went away and was not back in time', { retryable: true });
  if (task.purpose === 'shutdown') {
    return new Problem('timeout', `guest ${task.targetName} did not shut down in time; it is still asked to`, {
      suggestion: `stop it: drover guest stop ${task.targetName}`,
    });
  }
  return new Problem('timeout', 'the host did not do it in time', { retryable: true });
}

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
  const update = endedTask(task, 'cancelled', new Problem('cancelled', `cancelled by ${ask.by}`), ask.nowMs);
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
