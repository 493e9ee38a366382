import { describe, expect, it } from 'vitest';
import {
  aGuest,
  aHost,
  anAsk,
  anImage,
  aRunningGuest,
  aStatus,
  aTask,
  HOST_ID,
  IMAGE_ID,
  NOW_MS,
  onGuest,
  refusalOf,
  TASK_ID,
} from '../../../test/control-plane/held.ts';
import type { Held, Task } from './held.ts';
import { beginExec, beginReboot, cancelTask, expireTask } from './tasks.ts';
import type { ImageDecisionView, TaskDecisionView } from './views.ts';

const carrier: Held<'task'> = {
  kind: 'task',
  id: TASK_ID,
  hostId: HOST_ID,
  generation: 1,
  ackedGeneration: 1,
  appliedGeneration: 0,
  spec: { do: 'guest.reboot', guestId: 100, force: false, cancelled: false },
  status: null,
  deletion: null,
  createdAtMs: 1,
};
const reboot = aTask({ id: TASK_ID, purpose: 'act', spec: carrier.spec, deadlineAtMs: NOW_MS - 1 });
const view = (task: Task, over: Partial<TaskDecisionView> = {}): TaskDecisionView => ({
  task,
  target: aGuest(),
  carrier: null,
  image: null,
  targetAsImage: null,
  tasksOfTarget: [task],
  hostIsAway: false,
  ...over,
});

describe('a task that a host carries out', () => {
  it('is a resource and a task of the same id', () => {
    const { change, answer } = beginReboot(onGuest(aRunningGuest()), { force: false }, anAsk());
    expect(change.wishes).toMatchObject([{ kind: 'task', id: TASK_ID, generation: 1, spec: { do: 'guest.reboot', guestId: 100 } }]);
    expect(change.newTasks).toMatchObject([
      { id: TASK_ID, purpose: 'act', title: 'reboot guest web', target: { kind: 'guest', id: '100' } },
    ]);
    expect(answer.taskId).toBe(TASK_ID);
  });

  const input = { command: ['true'], tty: false, ticket: 'a'.repeat(40) };
  it('is refused at once when it cannot work', () => {
    expect(refusalOf(() => beginExec(onGuest(aGuest()), input, anAsk()))).toMatchObject({
      code: 'wrong-state',
      text: /drover guest start web/,
    });
    expect(refusalOf(() => beginExec(onGuest(aRunningGuest(), { host: aHost({ connected: false }) }), input, anAsk()))).toMatchObject({
      code: 'host-away',
    });
    expect(
      refusalOf(() => beginExec(onGuest(aRunningGuest()), { ...input, command: ['x'.repeat(65_000), 'y'.repeat(65_000)] }, anAsk())),
    ).toMatchObject({
      code: 'too-large',
      field: 'command',
    });
  });

  it('is cancelled by a newer generation of itself, and ends when its host says so', () => {
    const { change } = cancelTask(view(reboot, { carrier }), anAsk());
    expect(change.wishes).toMatchObject([{ kind: 'task', generation: 2, spec: { do: 'guest.reboot', cancelled: true } }]);
    expect(change.taskUpdates?.[0]?.state).toBeUndefined();
  });

  it('that ran out of time fails, and its host is told to end it', () => {
    const { change } = expireTask(view(reboot, { carrier }), NOW_MS);
    expect(change.taskUpdates).toMatchObject([{ state: 'failed', problem: { code: 'timeout' } }]);
    expect(change.wishes).toMatchObject([{ generation: 2, spec: { cancelled: true } }]);
    expect(expireTask(view({ ...reboot, deadlineAtMs: NOW_MS + 1 }, { carrier }), NOW_MS).change).toEqual({ by: 'drover', atMs: NOW_MS });
  });
});

it('a shutdown that takes too long says what to do instead, and is still wished', () => {
  const { change } = expireTask(view(aTask({ purpose: 'shutdown', deadlineAtMs: NOW_MS - 1 })), NOW_MS);
  expect(change.wishes).toBeUndefined();
  expect(change.taskUpdates).toMatchObject([{ state: 'failed', problem: { suggestion: 'stop it: drover guest stop web' } }]);
});

describe('cancelling', () => {
  const unready = anImage({ appliedGeneration: 0, status: aStatus('image', IMAGE_ID, 1, { applied: 0, condition: 'working' }) });
  const image: ImageDecisionView = { image: unready, host: aHost(), usedBy: [{ id: 100, name: 'web' }], tasks: [] };
  const create = aTask({ image: { id: IMAGE_ID, made: true } });

  it('a creation buries the guest, and the image that was to be made for it alone', () => {
    const { change } = cancelTask(view(create, { image }), anAsk());
    expect(change.wishes).toMatchObject([
      { kind: 'guest', generation: 2, deletion: { destroys: ['root'] } },
      { kind: 'image', generation: 2, deletion: { destroys: ['files'] } },
    ]);
    expect(change.taskUpdates).toMatchObject([{ state: 'cancelled', problem: { code: 'cancelled' } }]);
  });

  const keeps: [string, Task, ImageDecisionView][] = [
    ['that is there already', create, { ...image, image: anImage() }],
    ['that another guest waits for', create, { ...image, usedBy: [...image.usedBy, { id: 101, name: 'db' }] }],
    ['that somebody asked for by itself', create, { ...image, tasks: [aTask()] }],
    ['that was there before', aTask({ image: { id: IMAGE_ID, made: false } }), image],
  ];
  for (const [what, task, held] of keeps) {
    it(`a creation keeps an image ${what}`, () => {
      expect(cancelTask(view(task, { image: held }), anAsk()).change.wishes).toMatchObject([{ kind: 'guest' }]);
    });
  }

  const powers: [Task['purpose'], string][] = [
    ['start', 'off'],
    ['shutdown', 'running'],
  ];
  for (const [purpose, power] of powers) {
    it(`a ${purpose} asks for the guest to be ${power} instead`, () => {
      const { change } = cancelTask(view(aTask({ purpose })), anAsk());
      expect(change.wishes).toMatchObject([{ kind: 'guest', generation: 2, spec: { power, powerRequest: 1 } }]);
    });
  }

  it('what cannot be taken back is refused, with the reason', () => {
    for (const purpose of ['edit', 'stop', 'delete'] as const) {
      expect(refusalOf(() => cancelTask(view(aTask({ purpose })), anAsk()))).toMatchObject({ code: 'wrong-state' });
    }
    expect(refusalOf(() => cancelTask(view(aTask({ state: 'done' })), anAsk()))).toMatchObject({ code: 'wrong-state' });
  });

  it('the making of an image buries it, unless a guest waits for it', () => {
    const task = aTask({ purpose: 'create', target: { kind: 'image', id: IMAGE_ID } });
    const held = { target: unready, targetAsImage: { ...image, usedBy: [] } };
    expect(cancelTask(view(task, held), anAsk()).change.wishes).toMatchObject([{ kind: 'image', deletion: { destroys: ['files'] } }]);
    expect(refusalOf(() => cancelTask(view(task, { ...held, targetAsImage: image }), anAsk()))).toMatchObject({ code: 'in-use' });
  });
});
