import { realRandom } from '@drover/shared/lib/random';
import { HostId } from '@drover/shared/model/id';
import type { Report } from '@drover/shared/protocol/message';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFakeBroker, type FakeBroker, fakeSigner } from '../../../test/control-plane/fake-broker.ts';
import { aHost, anInventory, aStatus } from '../../../test/control-plane/held.ts';
import { createManualClock, type ManualClock } from '../../../test/control-plane/manual-clock.ts';
import type { Change } from '../core/change.ts';
import { openStore } from '../db/open.ts';
import type { Store } from '../db/store.ts';
import { createDispatcher, type Dispatcher } from './dispatch.ts';
import { createReceiver, type Receiver } from './receive.ts';
import { tick } from './tick.ts';

const HOSTS = ['a', 'b', 'c'].map((letter) => HostId.parse(`host_${letter.repeat(20)}`));
const [A, B] = HOSTS as [HostId, HostId];

let store: Store;
let clock: ManualClock;
let broker: FakeBroker;
let dispatcher: Dispatcher;
let receiver: Receiver;
let commits: Change[];
const sequences = new Map<HostId, number>();

beforeEach(async () => {
  clock = createManualClock();
  const opened = await openStore(':memory:', clock.now);
  commits = [];
  store = {
    ...opened,
    commit(change) {
      const { by: _by, atMs: _atMs, ...writes } = change;
      if (Object.keys(writes).length > 0) commits.push(change);
      return opened.commit(change);
    },
  };
  const newHosts = HOSTS.map((id, index) =>
    aHost({ id, name: `h${index}`, publicKey: { kty: 'OKP', crv: 'Ed25519', x: `${index}`.repeat(43) } }),
  );
  await store.commit({ by: 'test', atMs: clock.now(), newHosts });
  sequences.clear();
  start();
  for (const host of HOSTS) {
    await say(host, { hello: { protocol: 1, inventory: anInventory(), journal: [] } });
    const pending = (await store.pending(host))?.resources ?? [];
    await say(host, { statuses: pending.map(({ kind, id, generation }) => aStatus(kind, id, generation)) });
  }
  commits = [];
});
afterEach(() => store.close());

function start(): void {
  broker = createFakeBroker();
  const log = () => {};
  dispatcher = createDispatcher({ store, clock, random: realRandom, broker, signer: fakeSigner, failed: log });
  receiver = createReceiver({ store, clock, random: realRandom, broker, dispatcher, signer: fakeSigner, log });
  broker.onMessage(receiver.message);
  broker.onPresence(receiver.presence);
}

async function say(host: HostId, over: Partial<Report> = {}): Promise<void> {
  const sequence = (sequences.get(host) ?? 0) + 1;
  sequences.set(host, sequence);
  broker.say(host, 'up/report', { v: 1, host, session: 's1', boot: 1, sequence, sentAtMs: clock.now(), statuses: [], log: [], ...over });
  await receiver.idle();
  await dispatcher.idle();
}
const written = async (host: HostId) => (await store.host(host))?.host;
const ticked = () => tick({ store, clock, random: realRandom, dispatcher, receiver, log: () => {} }, { trim: false });
const replies = () => broker.replies().map(({ sequence }) => sequence);

it('hosts that have nothing to say are answered at once, and written together by the next tick', async () => {
  replies();
  clock.advance(10_000);
  for (const host of HOSTS) await say(host);
  await say(A);
  expect(replies()).toEqual([3, 3, 3, 4]);
  expect(commits).toEqual([]);
  await ticked();
  expect(commits).toHaveLength(1);
  expect(await written(A)).toMatchObject({ sequence: 4, heardAtMs: clock.now(), asOfMs: clock.now(), connected: true });
  expect(await written(B)).toMatchObject({ sequence: 3, heardAtMs: clock.now() });
  await ticked();
  expect(commits).toHaveLength(1);
});

it('figures are written with the next tick, the newest of each host alone, and nobody is told', async () => {
  const events = (await store.eventRange()).newest;
  const figures = (load: number) => ({
    atMs: clock.now() - 400,
    host: { load: [load, load, load] as [number, number, number] },
    guests: [],
  });
  await say(A, { figures: figures(1) });
  await say(A, { figures: figures(2) });
  await say(A);
  expect(commits).toEqual([]);
  await ticked();
  expect(commits).toHaveLength(1);
  expect(await store.figures(A)).toMatchObject({ atMs: clock.now() - 400, figures: { host: { load: [2, 2, 2] } } });
  expect(await store.figures(B)).toBeNull();
  expect((await store.eventRange()).newest).toBe(events);
});

it('figures that come late do not take the place of newer ones, nor bring back a host that was forgotten', async () => {
  const figures = { atMs: 0, host: {}, guests: [] };
  await store.commit({ by: 'other', atMs: 1, figures: [{ hostId: A, atMs: 50, figures }] });
  await store.commit({ by: 'other', atMs: 1, figures: [{ hostId: A, atMs: 49, figures: { ...figures, guestsAreCut: true } }] });
  expect(await store.figures(A)).toMatchObject({ atMs: 50, figures });
  await store.commit({ by: 'anna', atMs: 1, forgottenHosts: [A] });
  await store.commit({ by: 'other', atMs: 1, figures: [{ hostId: A, atMs: 60, figures }] });
  expect(await store.figures(A)).toBeNull();
});

it('a host is asked what it is made of when that is not known, and once it has said not again', async () => {
  const hello = { protocol: 1, inventory: anInventory({ hardwareDigest: 'd1' }), journal: [] };
  const hardware = { digest: 'd1', processorFlags: ['fpu'], numa: [], disks: [], nics: [], pci: [], usb: [], cut: [] };
  replies();
  await say(A, { hello });
  await say(A, { hardware });
  await say(A, { hello });
  await say(A, { hello: { ...hello, inventory: anInventory({ hardwareDigest: 'd2' }) } });
  expect(broker.replies().map((reply) => reply.hardwareWanted ?? false)).toEqual([true, false, false, true]);
  expect(await store.hardware(A)).toEqual(hardware);
});

it('a host that is heard does not fall silent', async () => {
  for (let beat = 0; beat < 6; beat++) {
    clock.advance(10_000);
    await say(A);
    await ticked();
  }
  expect(await written(A)).toMatchObject({ connected: true });
  expect(await written(B)).toMatchObject({ connected: false });
});

it('what is older than what was heard is dropped, written or not', async () => {
  await say(A);
  await say(A, { sequence: 3, statuses: [aStatus('guest', '900', 1)] });
  expect(commits).toEqual([]);
  expect((await written(A))?.orphans).toEqual([]);
});

it('a host that then has something to say is written whole, in one commit', async () => {
  await say(A);
  await say(A, { statuses: [aStatus('guest', '900', 1)] });
  expect(commits).toHaveLength(1);
  expect(await written(A)).toMatchObject({ sequence: 4, orphans: [{ kind: 'guest', id: '900' }] });
  await ticked();
  expect(commits).toHaveLength(1);
});

it('what was heard does not undo a farewell, nor bring back a host that was forgotten', async () => {
  for (const host of HOSTS) await say(host);
  broker.say(A, 'up/gone', { v: 1, session: 's1', reason: 'x' });
  await receiver.idle();
  await store.commit({ by: 'anna', atMs: 1, forgottenHosts: [B] });
  await ticked();
  expect(await written(A)).toMatchObject({ connected: false });
  expect(await written(B)).toBeUndefined();
  expect(await written(HOSTS[2] as HostId)).toMatchObject({ sequence: 3 });
});

it('what another process has written since is not overwritten', async () => {
  await say(A);
  await store.commit({ by: 'other', atMs: 1, hosts: [{ id: A, boot: 1, sequence: 50, heardAtMs: 1 }] });
  await ticked();
  expect(await written(A)).toMatchObject({ sequence: 50, heardAtMs: 1 });
  await say(A, { sequence: 51, statuses: [aStatus('guest', '900', 1)] });
  expect(await written(A)).toMatchObject({ sequence: 51, orphans: [{ kind: 'guest', id: '900' }] });
});

it('a process that dies with what it heard has lost nothing that was said', async () => {
  await say(A);
  start();
  await store.disconnectAll();
  await say(A, { session: 's2', hello: { protocol: 1, inventory: anInventory(), journal: [] } });
  expect(await written(A)).toMatchObject({ sequence: 4, connected: true, session: 's2' });
});

it('a task that came to wait for what holds already ends with the next word of its host, though that says nothing', async () => {
  const { aTask } = await import('../../../test/control-plane/held.ts');
  const storage = (await store.views.onReport(A, 'all'))?.resources.find(({ kind }) => kind === 'storage');
  if (!storage) throw new Error('no storage');
  const task = aTask({ hostId: A, target: storage, spec: { do: 'apply', target: storage, generation: 1, cancelled: false } });
  await store.commit({ by: 'anna', atMs: 1, newTasks: [task] });
  await say(A);
  expect((await store.task(task.id))?.task.state).toBe('done');
});
