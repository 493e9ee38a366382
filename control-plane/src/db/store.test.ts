import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realRandom } from '@drover/shared/lib/random';
import { newId, type UserId } from '@drover/shared/model/id';
import { createClient } from '@libsql/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { grantOnEverything } from '../../../test/control-plane/app-world.ts';
import {
  aContainer,
  aGuest,
  aHost,
  aNetwork,
  anImage,
  aStatus,
  aStorage,
  aTask,
  HOST_ID,
  IMAGE_ID,
} from '../../../test/control-plane/held.ts';
import type { Change, WishWrite } from '../core/change.ts';
import type { Held } from '../core/held.ts';
import { useLink } from './identity-writes.ts';
import { migrate } from './migrate.ts';
import { openStore } from './open.ts';
import { hashOfSecret } from './secret.ts';
import type { Store } from './store.ts';
import { EVENTS_KEPT } from './trim.ts';

let store: Store;
let nowMs = 1_000;
beforeEach(async () => {
  nowMs = 1_000;
  store = await openStore(':memory:', () => nowMs);
  await committed({ newHosts: [aHost()], wishes: [aStorage(), aNetwork(), anImage()].map(wishOf) });
});
afterEach(() => store.close());

const commit = (change: Partial<Change>) => store.commit({ by: 'anna', atMs: nowMs, ...change });
async function committed(change: Partial<Change>): Promise<void> {
  expect(await commit(change)).toEqual({ committed: true });
}
const wishOf = (held: Held): WishWrite => {
  const { kind, id, hostId, generation, spec, deletion } = held;
  return { kind, id, hostId, generation, spec, deletion } as WishWrite;
};
const guest = (id: number, over: Parameters<typeof aContainer>[0] = {}, generation = 1): WishWrite =>
  wishOf(aGuest({ id: String(id), generation, spec: aContainer({ name: `guest-${id}`, ...over }) }));
const list = (filter: object = {}) => store.guests({ limit: 100, ...filter });
const idsOf = async (filter: object = {}) => (await list(filter)).items.map((record) => record.guest.id);

describe('a commit', () => {
  it('of two that rest on the same generation lets one through, and nothing of the other', async () => {
    await committed({ wishes: [guest(100)] });
    const [first, second] = await Promise.all([
      commit({ wishes: [guest(100, { name: 'a' }, 2)], newTasks: [aTask({ id: newId('task', realRandom) })] }),
      commit({ wishes: [guest(100, { name: 'b' }, 2)], newTasks: [aTask({ id: newId('task', realRandom) })] }),
    ]);
    expect([first, second]).toEqual([{ committed: true }, { committed: false, conflict: expect.stringContaining('resource_version') }]);
    expect((await store.guest('100'))?.guest).toMatchObject({ generation: 2, spec: { name: 'a' } });
    expect((await store.tasks({ limit: 10 })).total).toBe(1);
  });

  it('that rests on something that changed conflicts and leaves nothing', async () => {
    expect(await commit({ restsOn: [{ kind: 'image', id: IMAGE_ID, generation: 2 }], wishes: [guest(100)] })).toMatchObject({
      committed: false,
    });
    expect(await store.guest('100')).toBeNull();
    await committed({ restsOn: [{ kind: 'image', id: IMAGE_ID, generation: 1 }], wishes: [guest(100)] });
  });

  it('that absorbs a report conflicts when another was absorbed meanwhile, and no report is undone by an older one', async () => {
    const after = { boot: 0, sequence: 0 };
    await committed({ hosts: [{ id: HOST_ID, after, boot: 1, sequence: 7 }] });
    expect(await commit({ hosts: [{ id: HOST_ID, after, boot: 1, sequence: 6 }] })).toMatchObject({ committed: false });
    expect((await store.host(HOST_ID))?.host).toMatchObject({ boot: 1, sequence: 7 });
  });

  it('never lowers a generation, and brings back nothing that is gone', async () => {
    await committed({ wishes: [guest(100)] });
    await committed({ wishes: [guest(100, {}, 10)] });
    expect(await commit({ wishes: [guest(100, { name: 'late' }, 2)] })).toMatchObject({ committed: false });
    await committed({ removals: [{ kind: 'guest', id: '100' }] });
    expect(await commit({ wishes: [guest(100, {}, 11)] })).toMatchObject({ committed: false });
    expect(await store.guest('100')).toBeNull();
  });

  it('of a name that is taken conflicts; freed by removal, it can be given again, but the id never', async () => {
    await committed({ wishes: [guest(100, { name: 'web' })] });
    expect(await commit({ wishes: [guest(101, { name: 'web' })] })).toMatchObject({ committed: false });
    await committed({ removals: [{ kind: 'guest', id: '100' }] });
    await committed({ wishes: [guest(101, { name: 'web' })] });
    expect((await store.views.createGuest({ name: 'new' })).nextGuestId).toBe(102);
    const orphans = ['102', '103', '105', '9999999'].map((id) => ({ kind: 'guest' as const, id }));
    await committed({ hosts: [{ id: HOST_ID, orphans }] });
    // What runs out there under a number keeps it; one host that lies does not use up everybody's.
    expect((await store.views.createGuest({ name: 'new' })).nextGuestId).toBe(104);
    await committed({ wishes: [guest(104, { name: 'new' })] });
    expect((await store.views.createGuest({ name: 'newer' })).nextGuestId).toBe(106);
  });

  it('does not change a task that has ended', async () => {
    const { id } = aTask();
    await committed({ newTasks: [aTask()] });
    await committed({ taskUpdates: [{ id, state: 'done', finishedAtMs: 5 }] });
    await committed({ taskUpdates: [{ id, state: 'failed', finishedAtMs: 6 }] });
    expect((await store.task(id))?.task).toMatchObject({ state: 'done', finishedAtMs: 5 });
  });

  it('remembers what was answered to an idempotency key together with what was done', async () => {
    const userId = newId('user', realRandom);
    const key = { key: 'k', userId, method: 'POST', path: '/guests', bodyDigest: 'd' };
    await committed({ wishes: [guest(100)], idempotency: { ...key, answer: { ref: 'x' } } });
    expect(await store.access.idempotent(userId, 'k')).toMatchObject({ ...key, answer: { ref: 'x' } });
    expect(await commit({ wishes: [guest(101)], idempotency: { ...key, answer: {} } })).toMatchObject({ committed: false });
  });

  it('tells live streams of its events, each thing once', async () => {
    let notices = 0;
    store.onEvents(() => {
      notices += 1;
    });
    const event = { kind: 'guest', id: '100', gone: false } as const;
    await committed({ events: [event, event] });
    expect(await store.events(0, 10)).toMatchObject([event]);
    expect(notices).toBe(1);
  });
});

describe('the outbox', () => {
  const pendingIds = async () => (await store.pending(HOST_ID))?.resources.map(({ id }) => id);

  it('is what the connected host has not acknowledged', async () => {
    expect(await store.pending(HOST_ID)).toBeNull();
    await committed({ hosts: [{ id: HOST_ID, connected: true, asOfMs: 77 }] });
    expect(await pendingIds()).toHaveLength(3);
    expect(await store.pending(HOST_ID)).toMatchObject({ host: { cell: 'main', asOfMs: 77 } });
    for (const { kind, id } of [aStorage(), aNetwork(), anImage()]) {
      await committed({ observations: [{ kind, id, ackedGeneration: 1, appliedGeneration: 0, status: null }] });
    }
    expect(await pendingIds()).toEqual([]);
    expect(await store.hostsWithPending()).toEqual([]);
    await committed({ wishes: [guest(100)] });
    expect(await store.hostsWithPending()).toEqual([HOST_ID]);
    await store.disconnectAll();
    expect(await store.hostsWithPending()).toEqual([]);
  });
});

describe('the list of guests', () => {
  beforeEach(async () => {
    await committed({
      wishes: [
        guest(100, { name: 'web-1', tags: ['prod', 'eu'] }),
        guest(101, { name: 'web-2', tags: ['prod-old'] }),
        guest(102, { name: 'db', tags: [] }),
      ],
    });
    await committed({
      observations: [
        {
          kind: 'guest',
          id: '101',
          ackedGeneration: 1,
          appliedGeneration: 1,
          status: aStatus('guest', '101', 1, { observed: { power: 'running', addresses: ['10.86.0.17'] } }),
        },
      ],
    });
  });

  const cases: [string, object, string[]][] = [
    ['all', {}, ['100', '101', '102']],
    ['part of a name', { search: 'web' }, ['100', '101']],
    ['words in any order and case', { search: 'PROD web-1' }, ['100']],
    ['an address', { search: '86.0.17' }, ['101']],
    ['an id', { search: '102' }, ['102']],
    ['words shorter than three letters', { search: 'eu' }, ['100']],
    ['what has meaning in queries', { search: '"%_* OR NEAR(' }, []],
    ['a whole tag', { tag: 'prod' }, ['100']],
    ['a state', { state: 'running' }, ['101']],
    ['a type', { type: 'vm' }, []],
    ['a host by name', { host: 'h1' }, ['100', '101', '102']],
    ['another host', { host: 'h2' }, []],
    ['a name', { name: 'db' }, ['102']],
  ];
  for (const [what, filter, expected] of cases) it(`is found by ${what}`, async () => expect(await idsOf(filter)).toEqual(expected));

  it('comes in pages that fit together, with the total', async () => {
    const first = await list({ limit: 2 });
    expect(first).toMatchObject({ next: '101', total: 3 });
    const second = await list({ limit: 2, after: first.next });
    expect([...first.items, ...second.items].map((record) => record.guest.id)).toEqual(['100', '101', '102']);
    expect(second.next).toBeNull();
  });

  it('follows a new name, and an address that went', async () => {
    await committed({ wishes: [guest(101, { name: 'cache' }, 2)] });
    await committed({ observations: [{ kind: 'guest', id: '101', ackedGeneration: 1, appliedGeneration: 1, status: null }] });
    expect(await idsOf({ search: 'web' })).toEqual(['100']);
    expect(await idsOf({ search: '10.86' })).toEqual([]);
    expect(await idsOf({ search: 'cache' })).toEqual(['101']);
  });

  it('knows each by its id as it is written, and by its name', async () => {
    expect((await store.guest('100'))?.guest.id).toBe('100');
    expect((await store.guest('web-1'))?.guest.id).toBe('100');
    for (const ref of ['0100', '1e2', '']) expect([ref, await store.guest(ref)]).toEqual([ref, null]);
  });

  it('names the host and the image of each', async () => {
    expect(await store.guest('web-1')).toMatchObject({ host: { id: HOST_ID, name: 'h1' }, image: { id: IMAGE_ID, name: 'mine' } });
    expect([...(await store.usersOfImages([IMAGE_ID, 'image_zzzzzzzz']))]).toEqual([
      [IMAGE_ID, [100, 101, 102]],
      ['image_zzzzzzzz', []],
    ]);
    expect((await store.host('h1'))?.guests).toEqual({ total: 3, running: 1 });
  });
});

describe('views for decisions', () => {
  it('say that a thing is not there, with names like it', async () => {
    await committed({ wishes: [guest(100, { name: 'web' })] });
    await expect(store.views.onGuest('wbe')).rejects.toMatchObject({ code: 'not-found', suggestion: 'did you mean web?' });
    await expect(store.views.createGuest({ name: 'x', host: 'h9' })).rejects.toMatchObject({ code: 'not-found', field: 'host' });
    await committed({ removals: [{ kind: 'guest', id: '100' }] });
    await expect(store.views.onGuest('100')).rejects.toThrow('guest 100 was deleted');
  });

  it('of a report hold what it speaks of, what its host’s tasks wait for, and everything for a hello', async () => {
    await committed({
      wishes: [guest(100), guest(101)],
      newTasks: [aTask({ target: { kind: 'guest', id: '101' }, image: { id: IMAGE_ID, made: true } })],
    });
    const view = await store.views.onReport(HOST_ID, [{ kind: 'guest', id: '100' }]);
    expect(view?.resources.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual(['guest 100', 'guest 101', `image ${IMAGE_ID}`]);
    expect((await store.views.onReport(HOST_ID, 'all'))?.resources).toHaveLength(5);
    expect(await store.views.onReport('host_ffffffffffffffffffff' as never, 'all')).toBeNull();
  });
});

describe('who may come in', () => {
  const user = { id: newId('user', realRandom), name: 'anna', createdAtMs: 1 } as const;
  const token = {
    id: newId('token', realRandom),
    kind: 'api',
    name: 'ci',
    userId: user.id,
    ownGrantsOnly: true,
    createdAtMs: 1,
    lastUsedAtMs: null,
    expiresAtMs: null,
  } as const;
  const owning = (id: UserId) => [grantOnEverything(id, 'owner', 1)];
  beforeEach(() => store.access.addUser(user, owning(user.id)));

  it('is known by the hash of a secret alone, until it expires', async () => {
    await store.access.addToken({ ...token, expiresAtMs: 50 }, hashOfSecret('s'));
    expect(await store.access.caller(hashOfSecret('s'), 49)).toMatchObject({ user, token: { ownGrantsOnly: true } });
    expect(await store.access.caller(hashOfSecret('s'), 50)).toBeNull();
    expect(await store.access.caller('s', 1)).toBeNull();
  });

  it('has a name of its own, and tokens that go with it', async () => {
    await expect(store.access.addUser({ ...user, id: newId('user', realRandom) }, [])).rejects.toMatchObject({
      code: 'name-taken',
      field: 'name',
    });
    await expect(store.access.removeUser(user.id)).rejects.toMatchObject({ code: 'wrong-state' });
    const other = { ...user, id: newId('user', realRandom), name: 'bert' };
    await store.access.addUser(other, []);
    await store.access.addToken({ ...token, userId: other.id }, hashOfSecret('s'));
    expect(await store.access.removeUser(other.id)).toBe(true);
    expect(await store.access.caller(hashOfSecret('s'), 1)).toBeNull();
  });

  it('is never left without an owner, also when two remove each other at once', async () => {
    const other = { ...user, id: newId('user', realRandom), name: 'bert' };
    await store.access.addUser(other, owning(other.id));
    const both = await Promise.allSettled([store.access.removeUser(user.id), store.access.removeUser(other.id)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((await store.access.users({ limit: 10 })).items).toMatchObject([{ name: 'bert' }]);
    const { newest } = await store.eventRange();
    expect(await store.access.removeUser(user.id)).toBe(false);
    expect((await store.eventRange()).newest).toBe(newest);
  });

  it('uses a link once, in time', async () => {
    await store.access.addLink('l', user.id, 100);
    expect(await store.access.ownerEverSignedIn()).toBe(false);
    expect(await store.access.linkUser('l', 100)).toBeNull();
    expect(await store.access.linkUser('l', 99)).toMatchObject(user);
    const both = await Promise.all([store.identity.write(useLink('l', 99)), store.identity.write(useLink('l', 99))]);
    expect(both).toEqual([true, false]);
    expect(await store.access.linkUser('l', 99)).toBeNull();
    expect(await store.access.ownerEverSignedIn()).toBe(true);
  });

  it('enrols one host with a token, however many try at once', async () => {
    await store.access.addEnrolment({ tokenHash: 't', name: null, createdBy: 'anna', expiresAtMs: 100 });
    const use = (letter: string) => commit({ usedEnrolments: [{ tokenHash: 't', hostId: `host_${letter.repeat(20)}` as never }] });
    expect(await Promise.all([use('a'), use('b')])).toMatchObject([{ committed: true }, { committed: false }]);
  });
});

describe('trimming', () => {
  it('forgets the oldest events, and finished tasks after a month with their logs; nothing else', async () => {
    const { id } = aTask();
    await committed({ newTasks: [aTask()], log: [{ taskId: id, atMs: 1, line: 'a' }] });
    await committed({ taskUpdates: [{ id, state: 'done', finishedAtMs: 1 }] });
    for (let batch = 0; batch <= EVENTS_KEPT / 5_000; batch++) {
      await committed({
        events: Array.from({ length: 5_000 }, (_, index) => ({ kind: 'guest' as const, id: String(batch * 5_000 + index), gone: false })),
      });
    }
    await store.trim(nowMs);
    expect(await store.eventRange()).toEqual({ oldest: 5_001, newest: EVENTS_KEPT + 5_000 });
    expect(await store.taskLog(id, 0, 10)).toHaveLength(1);
    await store.trim(nowMs + 31 * 24 * 3_600_000);
    expect(await store.task(id)).toBeNull();
    expect(await store.taskLog(id, 0, 10)).toEqual([]);
    expect((await store.views.onHost('h1')).resources).toHaveLength(3);
  });
});

describe('a database in a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drover-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('holds every acknowledged write for the next process, even if this one never closes it', async () => {
    const path = join(folder, 'a #1?.db');
    const abandoned = await openStore(path, () => nowMs);
    const change = { by: 'anna', atMs: 1, newHosts: [aHost()], wishes: [guest(100)] };
    expect(await abandoned.commit(change)).toEqual({ committed: true });
    const next = await openStore(path, () => nowMs);
    expect(await next.guest('100')).toMatchObject({ guest: { generation: 1 } });
    next.close();
    abandoned.close();
  });

  it('syncs its log at each commit', async () => {
    const path = join(folder, 'drover.db');
    const opened = await openStore(path, () => nowMs);
    const client = createClient({ url: `file:${path}` });
    expect((await client.execute('PRAGMA journal_mode')).rows[0]).toMatchObject({ journal_mode: 'wal' });
    client.close();
    opened.close();
  });

  it('is left alone when a newer version has written it', async () => {
    const client = createClient({ url: `file:${join(folder, 'x.db')}` });
    await migrate(client, ['CREATE TABLE a (b)', 'CREATE TABLE c (d)\n--\nCREATE TABLE e (f)']);
    await expect(migrate(client, ['CREATE TABLE a (b)'])).rejects.toMatchObject({ code: 'unsupported' });
    // A migration that fails leaves nothing of itself.
    await expect(migrate(client, ['', '', 'CREATE TABLE g (h)\n--\nnonsense'])).rejects.toThrow();
    expect((await client.execute("SELECT name FROM sqlite_master WHERE name = 'g'")).rows).toEqual([]);
    client.close();
  });
});

it('in memory, every call settles in microtasks: the simulation decides what happens next', async () => {
  let settled = false;
  void store.views.createGuest({ name: 'x' }).then(() => {
    settled = true;
  });
  for (let turn = 0; turn < 500; turn++) await Promise.resolve();
  expect(settled).toBe(true);
});
