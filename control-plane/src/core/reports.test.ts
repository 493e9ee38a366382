import { newId } from '@drover/shared/model/id';
import type { ResourceStatus } from '@drover/shared/model/resource';
import type { Report } from '@drover/shared/protocol/message';
import { describe, expect, it } from 'vitest';
import {
  aContainer,
  aGuest,
  aHost,
  aNetwork,
  anImage,
  anInventory,
  aRunningGuest,
  aStatus,
  aStorage,
  aTask,
  HOST_ID,
  IMAGE_ID,
  NOW_MS,
  TASK_ID,
} from '../../../test/control-plane/held.ts';
import type { Held } from './held.ts';
import { absorb, absorbGone, digestOfWish } from './reports.ts';
import type { ReportView } from './views.ts';

const random = { fraction: () => 0, text: (length: number) => 'r'.repeat(length) };
const ids = { nowMs: NOW_MS, storageId: newId('storage', random), networkId: newId('network', random) };
const fabric = [aStorage(), aNetwork()];

const aReport = (over: Partial<Report> = {}): Report => ({
  v: 1,
  host: HOST_ID,
  session: 's1',
  boot: 3,
  sequence: 11,
  sentAtMs: 5_000,
  statuses: [],
  log: [],
  ...over,
});
const entryOf = (held: Held, over: object = {}) => ({
  kind: held.kind,
  id: held.id,
  generation: held.generation,
  digest: digestOfWish(held),
  ...over,
});
const hello = (journal: readonly ReturnType<typeof entryOf>[], over: Partial<Report> = {}): Report =>
  aReport({ session: 's2', hello: { protocol: 1, inventory: anInventory(), journal: [...journal] }, ...over });
const aView = (resources: readonly Held[] = [], over: Partial<ReportView> = {}): ReportView => ({
  host: aHost(),
  resources,
  tasks: [],
  hardwareDigest: null,
  ...over,
});
const absorbed = (view: ReportView, report: Report) => absorb(view, report, ids);

describe('the order of reports', () => {
  it('drops one that is older than what was absorbed, and acknowledges it all the same', () => {
    for (const over of [{ sequence: 10 }, { boot: 2, sequence: 99 }]) {
      const { change, answer } = absorbed(aView([aGuest()]), aReport({ ...over, statuses: [aStatus('guest', '100', 1)] }));
      expect(change).toEqual({ by: 'h1', atMs: NOW_MS });
      expect(answer).toMatchObject({ dropped: true, helloWanted: false, lastBoot: null });
    }
  });

  it('tells an agent that was restored from a backup to step above what was seen, even if it counts the same boot', () => {
    expect(absorbed(aView(), hello([], { boot: 2 })).answer).toMatchObject({ dropped: true, helloWanted: true, lastBoot: 3 });
    expect(absorbed(aView(), hello([], { boot: 3, sequence: 1 })).answer).toMatchObject({ dropped: true, helloWanted: true, lastBoot: 4 });
  });

  it('takes no repetition for a restored agent, though it does not know the session any more', () => {
    const restarted = aView([], { host: aHost({ session: null, run: 'r1' }) });
    const twice = { boot: 3, sequence: 10 };
    const introduced = hello([], twice);
    const about = introduced.hello ?? expect.fail();
    for (const report of [aReport(twice), { ...introduced, hello: { ...about, run: 'r1' } }])
      expect(absorbed(restarted, report).answer).toMatchObject({ dropped: true, helloWanted: true, lastBoot: null });
    expect(absorbed(restarted, { ...introduced, hello: { ...about, run: 'r2' } }).answer.lastBoot).toBe(4);
  });

  it('asks a session that has not introduced itself to do so, and takes its word meanwhile', () => {
    const { change, answer } = absorbed(
      aView([aGuest()]),
      aReport({ session: 'other', statuses: [aStatus('guest', '100', 1, { observed: { power: 'running' } })] }),
    );
    expect(answer.helloWanted).toBe(true);
    expect(change.observations).toHaveLength(1);
  });
});

describe('what a status does', () => {
  it('acknowledges, and never lowers what was applied', () => {
    const guest = aRunningGuest({ generation: 3, ackedGeneration: 2 });
    const { change } = absorbed(aView([guest]), aReport({ statuses: [aStatus('guest', '100', 3, { applied: 1, condition: 'working' })] }));
    expect(change.observations).toMatchObject([{ id: '100', ackedGeneration: 3, appliedGeneration: 2, status: { condition: 'working' } }]);
    expect(change.wishes).toEqual([]);
  });

  it('figures cost no more than being heard, and are as old as the host says, whatever its clock shows', () => {
    const figures = { atMs: 4_000, host: { uptimeS: 9 }, guests: [] };
    const { change } = absorbed(aView(), aReport({ figures }));
    expect(Object.keys(change).sort()).toEqual(['atMs', 'by', 'figures', 'heard']);
    expect(change.figures).toEqual([{ hostId: HOST_ID, atMs: NOW_MS - 1_000, figures }]);
  });

  it('that says nothing new leaves only to be written that the host was heard, when it suits', () => {
    const guest = aGuest();
    const { change } = absorbed(aView([guest]), aReport({ statuses: [aStatus('guest', '100', 1, { observed: { power: 'stopped' } })] }));
    expect(change).toEqual({
      by: 'h1',
      atMs: NOW_MS,
      heard: [
        {
          id: HOST_ID,
          after: { boot: 3, sequence: 10 },
          boot: 3,
          sequence: 11,
          heardAtMs: NOW_MS,
          asOfMs: 5_000,
          clockAheadMs: 5_000 - NOW_MS,
        },
      ],
    });
  });

  it('above our own generation sends the wish again under a higher one: this database was restored', () => {
    const guest = aGuest({ generation: 4 });
    const { change, answer } = absorbed(aView([guest]), aReport({ statuses: [aStatus('guest', '100', 9)] }));
    expect(change.wishes).toMatchObject([{ kind: 'guest', id: '100', generation: 10, spec: guest.spec }]);
    expect(change.restsOn).toEqual([{ kind: 'guest', id: '100', generation: 4 }]);
    // What it calls applied is another history's.
    expect(change.observations).toMatchObject([{ appliedGeneration: 1 }]);
    expect(answer).toMatchObject({ dispatch: true, warnings: [expect.stringContaining('generation 9')] });
  });

  it('with another content under the same number is said aloud and sent again; and no more when it says the same of that', () => {
    const said = (acked: number) => aStatus('guest', '100', acked, { digest: 'f'.repeat(32) });
    const { change, answer } = absorbed(aView([aGuest()]), aReport({ statuses: [said(1)] }));
    expect(change.wishes).toMatchObject([{ generation: 2 }]);
    expect(answer.warnings).toHaveLength(1);
    const sentAgain = aGuest({ generation: 2, status: said(1) });
    expect(absorbed(aView([sentAgain]), aReport({ statuses: [said(2)] })).change.wishes).toEqual([]);
  });

  it('of a thing that we know nothing of lists it, and touches nothing', () => {
    const { change } = absorbed(aView(), aReport({ statuses: [aStatus('guest', '150', 0), aStatus('task', TASK_ID, 1)] }));
    expect(change).toMatchObject({ wishes: [], removals: [], hosts: [{ orphans: [{ kind: 'guest', id: '150' }] }] });
  });
});

describe('what is gone', () => {
  const dying = aGuest({ generation: 2, deletion: { requestedAtMs: 1, destroys: ['root'] } });
  const gone = (over: Partial<ResourceStatus> = {}) => aReport({ statuses: [aStatus('guest', '100', 2, { gone: true, ...over })] });

  it('leaves when its tombstone was confirmed, and the task that waited is done', () => {
    const task = aTask({ purpose: 'delete', spec: { do: 'apply', target: { kind: 'guest', id: '100' }, generation: 2, cancelled: false } });
    const { change } = absorbed(aView([dying], { tasks: [task] }), gone());
    expect(change.removals).toEqual([{ kind: 'guest', id: '100' }]);
    expect(change.events).toContainEqual({ kind: 'guest', id: '100', gone: true });
    expect(change.taskUpdates).toMatchObject([{ id: task.id, state: 'done' }]);
  });

  it('stays while nobody wished it away, and while the tombstone is newer than the answer', () => {
    expect(absorbed(aView([aGuest({ generation: 2 })]), gone()).change.removals).toEqual([]);
    expect(absorbed(aView([dying]), gone({ acked: 1 })).change.removals).toEqual([]);
  });
});

describe('a hello', () => {
  it('brings the host its storage and network, once', () => {
    const first = absorbed(aView([]), hello([]));
    expect(first.change.wishes).toMatchObject([
      { kind: 'storage', generation: 1, spec: { name: 'local', driver: 'directory', config: { path: '/var/lib/drover/storage' } } },
      { kind: 'network', generation: 1, spec: { name: 'default', driver: 'nat', config: { bridge: 'drover0', subnet: '10.86.0.0/24' } } },
    ]);
    expect(absorbed(aView(fabric), hello(fabric.map((held) => entryOf(held)))).change.wishes).toEqual([]);
  });

  it('of an agent that lost its journal has everything sent again, and lowers no generation', () => {
    const { change, answer } = absorbed(aView([...fabric, aRunningGuest()]), hello([]));
    expect(change.observations?.map(({ id, ackedGeneration }) => [id, ackedGeneration])).toEqual([
      [fabric[0]?.id, 0],
      [fabric[1]?.id, 0],
      ['100', 0],
    ]);
    expect(change.wishes).toEqual([]);
    expect(answer.dispatch).toBe(true);
  });

  it('shows orphans from the journal, and forgets those that are no more', () => {
    const view = aView(fabric, { host: aHost({ orphans: [{ kind: 'guest', id: '140' }] }) });
    const { change } = absorbed(
      view,
      hello([...fabric.map((held) => entryOf(held)), { kind: 'guest', id: '141', generation: 2, digest: 'x' }]),
    );
    expect(change.hosts).toMatchObject([{ session: 's2', orphans: [{ kind: 'guest', id: '141' }] }]);
  });

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
  it('without a task that had arrived never sends it again as it was: it may have been carried out', () => {
    const { change } = absorbed(aView([...fabric, carrier]), hello(fabric.map((held) => entryOf(held))));
    expect(change.wishes).toMatchObject([{ kind: 'task', generation: 2, spec: { cancelled: true } }]);
    const notYet = absorbed(aView([...fabric, { ...carrier, ackedGeneration: 0 }]), hello(fabric.map((held) => entryOf(held))));
    expect(notYet.change).toMatchObject({ wishes: [], observations: [] });
  });

  it('that says what became of the task settles it, and the host is not told again', () => {
    const task = aTask({ id: TASK_ID, purpose: 'act', spec: carrier.spec, state: 'running' });
    const report = hello(
      fabric.map((held) => entryOf(held)),
      { statuses: [aStatus('task', TASK_ID, 1, { observed: { state: 'done', result: { code: 0 } } })] },
    );
    const { change } = absorbed(aView([...fabric, carrier], { tasks: [task] }), report);
    expect(change).toMatchObject({
      wishes: [],
      removals: [{ kind: 'task', id: TASK_ID }],
      taskUpdates: [{ id: TASK_ID, state: 'done', result: { code: 0 }, finishedAtMs: NOW_MS }],
    });
  });

  it('that has ended is not sent again, though the host holds it in another history', () => {
    const { change } = absorbed(
      aView([...fabric, carrier]),
      hello([entryOf(carrier, { generation: 2 })], { statuses: [aStatus('task', TASK_ID, 2, { observed: { state: 'cancelled' } })] }),
    );
    expect(change).toMatchObject({ wishes: [], removals: [{ kind: 'task', id: TASK_ID }] });
  });
});

describe('tasks that wait', () => {
  const guest = aGuest({ ackedGeneration: 0, appliedGeneration: 0, status: null });
  const settle = (statuses: ResourceStatus[], over: { task?: Parameters<typeof aTask>[0]; resources?: Held[]; log?: Report['log'] } = {}) =>
    absorbed(aView(over.resources ?? [guest], { tasks: [aTask(over.task)] }), aReport({ statuses, log: over.log ?? [] })).change;

  it('are done once their generation, or a newer one, was applied', () => {
    expect(settle([aStatus('guest', '100', 1)]).taskUpdates).toMatchObject([{ state: 'done', finishedAtMs: NOW_MS }]);
    expect(settle([aStatus('guest', '100', 2)], { resources: [{ ...guest, generation: 2 }] }).taskUpdates).toMatchObject([
      { state: 'done' },
    ]);
  });

  it('run from the acknowledgement on, and show what the host does', () => {
    const activity = { title: 'unpacking', progress: 0.5, sinceMs: 1 };
    expect(settle([aStatus('guest', '100', 1, { applied: 0, condition: 'working', activity })]).taskUpdates).toMatchObject([
      { state: 'running', activity },
    ]);
  });

  it('fail when the host has given up, with its own words', () => {
    const problem = { code: 'no-space', status: 507, title: 'no space', detail: 'the disk is full', retryable: false } as const;
    expect(settle([aStatus('guest', '100', 1, { applied: 0, condition: 'needs-attention', problem })]).taskUpdates).toMatchObject([
      { state: 'failed', problem },
    ]);
    expect(settle([aStatus('guest', '100', 1, { applied: 0, condition: 'unsupported' })]).taskUpdates).toMatchObject([
      { state: 'failed', problem: { code: 'unsupported' } },
    ]);
  });

  it('do not fail for what was wrong with an older wish', () => {
    const { taskUpdates } = settle([aStatus('guest', '100', 1, { applied: 0, condition: 'needs-attention' })], {
      resources: [{ ...guest, generation: 2 }],
      task: { spec: { do: 'apply', target: { kind: 'guest', id: '100' }, generation: 2, cancelled: false } },
    });
    expect(taskUpdates).toEqual([]);
  });

  const image = anImage({ ackedGeneration: 1, status: null });
  const fetching = { image: { id: IMAGE_ID, made: true } };
  it('for an image show its progress and its lines, and fail when it cannot be made', () => {
    const activity = { title: 'building image debian-13', progress: 0.2, sinceMs: 1 };
    const working = aStatus('image', IMAGE_ID, 1, { applied: 0, condition: 'working', activity });
    const change = settle([aStatus('guest', '100', 1, { applied: 0, condition: 'waiting', waitingFor: 'image debian-13' }), working], {
      resources: [guest, image],
      task: fetching,
      log: [{ kind: 'image', id: IMAGE_ID, atMs: 7, line: 'Get:1 …' }],
    });
    expect(change.taskUpdates).toMatchObject([{ activity, waitingFor: 'image debian-13' }]);
    expect(change.log).toEqual([{ taskId: aTask().id, atMs: 7, line: 'Get:1 …' }]);
    const failed = settle([aStatus('image', IMAGE_ID, 1, { applied: 0, condition: 'needs-attention' })], {
      resources: [guest, image],
      task: fetching,
    });
    expect(failed.taskUpdates).toMatchObject([
      { state: 'failed', problem: { detail: expect.stringContaining('its image could not be made') } },
    ]);
  });

  it('whose logs alone have grown are told of once each, however many lines came', () => {
    const line = (text: string) => ({ kind: 'guest', id: '100', atMs: 7, line: text }) as const;
    const change = settle([], {
      task: { state: 'running' },
      resources: [aGuest({ appliedGeneration: 0 })],
      log: [line('one'), line('two')],
    });
    expect(change).toMatchObject({ taskUpdates: [], log: [{ line: 'one' }, { line: 'two' }] });
    expect(change.events).toEqual([{ kind: 'task', id: aTask().id, gone: false }]);
  });

  it('of a guest that waits are written only when there is news', () => {
    const status = aStatus('guest', '100', 1, { applied: 0, condition: 'waiting', waitingFor: 'its storage' });
    expect(settle([status], { task: { state: 'running', waitingFor: 'its storage' } }).taskUpdates).toEqual([]);
  });
});

describe('a farewell', () => {
  it('counts for the session it belongs to alone', () => {
    expect(absorbGone(aHost(), { session: 's1' }, NOW_MS)).toMatchObject({ hosts: [{ connected: false }] });
    expect(absorbGone(aHost(), { session: 's0' }, NOW_MS)).toBeNull();
  });
});

it('a tombstone has another digest than the wish before it', () => {
  const guest = aGuest({ spec: aContainer() });
  expect(digestOfWish(guest)).not.toBe(digestOfWish({ ...guest, deletion: { requestedAtMs: 1, destroys: [] } }));
});

describe('the host itself', () => {
  const helloOf = (run: string): Report => {
    const report = hello([]);
    return report.hello ? { ...report, hello: { ...report.hello, run } } : report;
  };
  const updateOf = (host: Partial<ReturnType<typeof aHost>>, run: string) =>
    absorbed(aView([], { host: aHost(host) }), helloOf(run)).change.hosts?.[0];

  it('is one agent, however often it starts and connects', () => {
    expect(updateOf({}, 'a')).toMatchObject({ run: 'a', previousRun: null });
    expect(updateOf({ run: 'a' }, 'b')).toMatchObject({ run: 'b', previousRun: 'a' });
    expect(updateOf({ run: 'b', previousRun: 'a' }, 'b')).not.toHaveProperty('run');
    for (const update of [updateOf({}, 'a'), updateOf({ run: 'a' }, 'b'), updateOf({ run: 'b', previousRun: 'a' }, 'c')])
      expect(update).not.toHaveProperty('cloneSeenAtMs');
  });

  it('is two agents when the one comes back that another had taken the place of', () => {
    expect(updateOf({ run: 'b', previousRun: 'a' }, 'a')).toMatchObject({ run: 'a', previousRun: 'b', cloneSeenAtMs: NOW_MS });
  });

  it('says by each report how its clock goes', () => {
    expect(absorbed(aView(), hello([], { sentAtMs: NOW_MS + 70_000 })).change.hosts).toMatchObject([{ clockAheadMs: 70_000 }]);
  });
});
