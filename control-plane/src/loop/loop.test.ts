import { digest } from '@drover/shared/lib/digest';
import { realRandom } from '@drover/shared/lib/random';
import { type HostId, newId } from '@drover/shared/model/id';
import type { Report } from '@drover/shared/protocol/message';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeBroker, type FakeBroker, fakeSigner } from '../../../test/control-plane/fake-broker.ts';
import { aHost, anInventory, aStatus, HOST_ID } from '../../../test/control-plane/held.ts';
import { createManualClock, type ManualClock } from '../../../test/control-plane/manual-clock.ts';
import type { Ask } from '../core/change.ts';
import { createGuest, removeGuest, setPower } from '../core/guests.ts';
import type { Held } from '../core/held.ts';
import { openStore } from '../db/open.ts';
import type { Store } from '../db/store.ts';
import { createDispatcher, type Dispatcher } from './dispatch.ts';
import { type Perform, performer } from './perform.ts';
import { createReceiver, type Receiver } from './receive.ts';
import { tick } from './tick.ts';

let store: Store;
let clock: ManualClock;
let broker: FakeBroker;
let dispatcher: Dispatcher;
let receiver: Receiver;
let perform: Perform;
let logged: string[];
let sequence = 0;

beforeEach(async () => {
  clock = createManualClock();
  store = await openStore(':memory:', clock.now);
  await store.commit({ by: 'test', atMs: clock.now(), newHosts: [aHost()] });
  start();
});
afterEach(() => store.close());

/** Also what a restarted process does: everything but the database is new. */
function start(): void {
  logged = [];
  broker = createFakeBroker();
  const log = (line: string) => void logged.push(line);
  dispatcher = createDispatcher({ store, clock, random: realRandom, broker, signer: fakeSigner, failed: log });
  receiver = createReceiver({ store, clock, random: realRandom, broker, dispatcher, signer: fakeSigner, log });
  broker.onMessage(receiver.message);
  broker.onPresence(receiver.presence);
  perform = performer(store, dispatcher.nudge);
}

const ask = (): Ask => ({ by: 'anna', nowMs: clock.now(), taskId: newId('task', realRandom), imageId: newId('image', realRandom) });
async function idle(): Promise<void> {
  await receiver.idle();
  await dispatcher.idle();
}
async function say(over: Partial<Report>, hostId: HostId = HOST_ID): Promise<void> {
  sequence += 1;
  broker.say(hostId, 'up/report', {
    v: 1,
    host: HOST_ID,
    session: 's1',
    boot: 1,
    sequence,
    sentAtMs: clock.now(),
    statuses: [],
    log: [],
    ...over,
  });
  await idle();
}
const hello = (journal: NonNullable<Report['hello']>['journal'] = []) => say({ hello: { protocol: 1, inventory: anInventory(), journal } });
const journalled = (held: Held) => ({
  kind: held.kind,
  id: held.id,
  generation: held.generation,
  digest: digest({ spec: held.spec, deletion: held.deletion }),
});
const commandIds = () => broker.commands().map(({ resource }) => `${resource.kind} ${resource.id}:${resource.generation}`);
/** The host journals and carries out whatever it was sent. */
async function obey(): Promise<void> {
  await say({
    statuses: broker
      .commands()
      .map(({ resource }) => aStatus(resource.kind, resource.id, resource.generation, { gone: resource.deletion !== null })),
  });
}
const create = (name = 'web') =>
  perform(
    () => store.views.createGuest({ name }),
    (view) => createGuest(view, { type: 'vm', name, start: true }, ask()),
  );
const taskState = async (id: string) => (await store.task(id))?.task.state;

describe('from a request to a host and back', () => {
  it('a wish goes out as soon as it is written, and its task ends with the report', async () => {
    await hello();
    await obey();
    const { answer } = await create();
    await idle();
    expect(broker.published).toMatchObject([
      { topic: `drover/v1/main/${HOST_ID}/down/reply` },
      {},
      { topic: `drover/v1/main/${HOST_ID}/down/command`, qos: 1 },
    ]);
    const [command] = broker.commands();
    if (!command) throw new Error('nothing was sent');
    expect(command).toMatchObject({
      v: 1,
      host: HOST_ID,
      resource: { kind: 'guest', id: '100', generation: 1, deletion: null },
      issuedAtMs: clock.now(),
    });
    expect(command.expiresAtMs).toBeGreaterThan(clock.now());
    await say({
      statuses: [
        aStatus('guest', '100', 1, { digest: digest({ spec: command.resource.spec, deletion: null }), observed: { power: 'running' } }),
      ],
    });
    expect(await taskState(answer.taskId)).toBe('done');
    expect(commandIds()).toEqual([]);
  });

  it('a report is answered with its number, and a hello asked for when the session is new', async () => {
    await hello();
    await say({ session: 's2' });
    expect(broker.replies()).toMatchObject([
      { sequence: sequence - 1, helloWanted: false },
      { sequence, helloWanted: true },
    ]);
  });

  it('each command has a higher counter than the one before, also after a restart and with a clock that went back', async () => {
    await hello();
    await create('web');
    await idle();
    const before = broker.commands().map(({ counter }) => counter);
    expect(before.length).toBeGreaterThan(1);
    expect(before).toEqual([...new Set(before)].sort((a, b) => a - b));
    const highest = Math.max(...before) + 3_600_000;
    start();
    await say({ session: 's2', hello: { protocol: 1, inventory: anInventory(), journal: [], counter: highest } });
    expect(Math.min(...broker.commands().map(({ counter }) => counter))).toBeGreaterThan(highest);
  });

  it('a restored agent is told in signed words to count from higher', async () => {
    await say({ boot: 5, hello: { protocol: 1, inventory: anInventory(), journal: [] } });
    await say({ session: 's2', boot: 2, hello: { protocol: 1, inventory: anInventory(), journal: [] } });
    expect(
      broker.published.filter(({ topic }) => topic.endsWith('down/reply')).map(({ payload }) => payload.startsWith('signed:')),
    ).toEqual([false, true]);
    expect(broker.replies()[1]).toMatchObject({ host: HOST_ID, helloWanted: true, lastBoot: 5 });
  });

  it('a command that the agent does not understand fails what waits for it, and is sent again only when the agent is another', async () => {
    await hello();
    await obey();
    const { answer } = await create();
    await idle();
    broker.commands();
    const problem = { code: 'unsupported', status: 422, title: '', detail: 'what is that?', retryable: false } as const;
    await say({
      refused: [
        { kind: 'guest', id: '100', generation: 1, problem },
        { kind: 'dream', id: 'x', generation: 1, problem },
      ],
    });
    expect((await store.task(answer.taskId))?.task).toMatchObject({ state: 'failed', problem: { detail: 'what is that?' } });
    expect((await store.guest('web'))?.guest.status?.condition).toBe('unsupported');
    clock.advance(3_600_000);
    await say({});
    await tick({ store, clock, random: realRandom, dispatcher, receiver, log: () => {} }, { trim: false });
    await idle();
    expect(commandIds()).toEqual([]);
    await say({ session: 's2', hello: { protocol: 1, inventory: anInventory(), journal: [] } });
    expect(commandIds()).toContain('guest 100:1');
  });

  it('a deletion ends with the row, the name is free and the id is not given again', async () => {
    await hello();
    await obey();
    await create();
    await idle();
    await obey();
    const { answer } = await perform(
      () => store.views.onGuest('web'),
      (view) => removeGuest(view, { force: true }, ask()),
    );
    await idle();
    await obey();
    expect(await taskState(answer.taskId)).toBe('done');
    expect(await store.guest('web')).toBeNull();
    expect((await create()).answer.ref.id).toBe('101');
  });
});

describe('what is lost', () => {
  beforeEach(async () => {
    await hello();
    await obey();
  });

  it('between broker and host is sent again by the tick, later and later', async () => {
    await create();
    await idle();
    expect(commandIds()).toEqual(['guest 100:1']);
    const sentAt: number[] = [];
    for (let second = 1; second <= 60; second++) {
      clock.advance(1_000);
      if (second % 10 === 0) await say({});
      await tick({ store, clock, random: realRandom, dispatcher, receiver, log: () => {} }, { trim: false });
      await dispatcher.idle();
      if (commandIds().length > 0) sentAt.push(second);
    }
    expect(sentAt.length).toBeGreaterThan(1);
    expect(sentAt.length).toBeLessThan(6);
  });

  it('between broker and host is sent again in time, also when the clock was set back meanwhile', async () => {
    await create();
    await idle();
    expect(commandIds()).toEqual(['guest 100:1']);
    clock.set(clock.now() - 900_000);
    await tick({ store, clock, random: realRandom, dispatcher, receiver, log: () => {} }, { trim: false });
    await dispatcher.idle();
    expect(commandIds()).toEqual(['guest 100:1']);
  });

  it('with a connection is sent again as soon as the host is back', async () => {
    await create();
    await idle();
    expect(commandIds()).toEqual(['guest 100:1']);
    await hello((await store.views.onReport(HOST_ID, 'all'))?.resources.filter(({ kind }) => kind !== 'guest').map(journalled));
    expect(commandIds()).toEqual(['guest 100:1']);
  });

  it('between commit and publish goes out when the host is back, after any crash', async () => {
    broker.isBroken = true;
    await create();
    await idle();
    expect(logged).toHaveLength(1);
    start();
    await store.disconnectAll();
    dispatcher.nudge(HOST_ID);
    await idle();
    expect(commandIds()).toEqual([]);
    await hello();
    // The journal that it showed is empty, so all of it goes out.
    expect(commandIds()).toContain('guest 100:1');
  });

  it('of our own memory is made good by a hello, though the connection went on', async () => {
    start();
    await store.disconnectAll();
    await say({});
    expect(broker.replies()).toMatchObject([{ helloWanted: true }]);
    await hello();
    expect(broker.replies()).toMatchObject([{ helloWanted: false }]);
  });

  it('is not sent to a host whose farewell was heard, nor one that fell silent', async () => {
    broker.say(HOST_ID, 'up/gone', { v: 1, session: 'older', reason: 'x' });
    await idle();
    expect((await store.host(HOST_ID))?.host.connected).toBe(true);
    clock.advance(60_000);
    await tick({ store, clock, random: realRandom, dispatcher, receiver, log: () => {} }, { trim: true });
    expect((await store.host(HOST_ID))?.host.connected).toBe(false);
    await say({});
    expect((await store.host(HOST_ID))?.host.connected).toBe(true);
    broker.say(HOST_ID, 'up/gone', { v: 1, session: 's1', reason: 'x' });
    await idle();
    expect((await store.host(HOST_ID))?.host.connected).toBe(false);
  });

  it('of a burst goes out once each', async () => {
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => create(name)));
    await idle();
    expect(commandIds().sort()).toEqual(['guest 100:1', 'guest 101:1', 'guest 102:1', 'guest 103:1', 'guest 104:1']);
  });
});

describe('two at once', () => {
  it('both are carried out, one after the other, and no id is given twice', async () => {
    await hello();
    await obey();
    await create();
    await idle();
    const power = (wished: 'running' | 'off') =>
      perform(
        () => store.views.onGuest('web'),
        (view) => setPower(view, wished, ask()),
      );
    await Promise.all([power('off'), power('running'), power('off')]);
    expect((await store.guest('web'))?.guest.generation).toBeGreaterThan(2);
    expect((await store.guest('web'))?.guest.spec.powerRequest).toBe((await store.guest('web'))?.guest.generation);
  });

  it('even if they are fifty', async () => {
    await hello();
    await Promise.all(Array.from({ length: 50 }, (_, index) => create(`guest-${index}`)));
    expect((await store.guests({ limit: 100 })).items.map(({ guest }) => Number(guest.id))).toEqual(
      Array.from({ length: 50 }, (_, index) => 100 + index),
    );
  });

  it('are decided again when they are of two processes', async () => {
    await hello();
    const elsewhere = performer({ ...store }, () => {});
    const both = [perform, elsewhere].map((decide, index) =>
      decide(
        () => store.views.createGuest({ name: `guest-${index}` }),
        (view) => createGuest(view, { type: 'vm', name: `guest-${index}` }, ask()),
      ),
    );
    expect((await Promise.all(both)).map(({ answer }) => answer.ref.id).sort()).toEqual(['100', '101']);
  });

  it('a wish is not lost to a report that heals at the same moment', async () => {
    await hello();
    await obey();
    await create();
    await idle();
    const power = perform(
      () => store.views.onGuest('web'),
      (view) => setPower(view, 'off', ask()),
    );
    await Promise.all([power, say({ statuses: [aStatus('guest', '100', 9)] })]);
    await idle();
    expect((await store.guest('web'))?.guest).toMatchObject({ spec: { power: 'off' } });
    expect((await store.guest('web'))?.guest.generation).toBeGreaterThan(9);
  });
});

describe('the same request again', () => {
  it('is answered as before and writes nothing; another one under its key is refused', async () => {
    await hello();
    const key = { key: 'k', userId: newId('user', realRandom), method: 'POST', path: '/guests', bodyDigest: 'd' };
    const request = (bodyDigest = 'd') =>
      perform(
        () => store.views.createGuest({ name: 'web' }),
        (view) => createGuest(view, { type: 'vm', name: 'web' }, ask()),
        { ...key, bodyDigest },
      );
    const [first, second] = await Promise.all([request(), request()]);
    expect([first.repeated, second.repeated].sort()).toEqual([false, true]);
    expect(second.answer).toEqual(first.answer);
    await expect(request('other')).rejects.toMatchObject({ code: 'idempotency-key-reused' });
    expect((await store.guests({ limit: 10 })).total).toBe(1);
  });
});

describe('what must not come', () => {
  it('ends in one line however often it comes, and changes nothing', async () => {
    const bytes = new TextEncoder().encode('{"v":1');
    for (let time = 0; time < 50; time++) {
      broker.sayOn(`drover/v1/main/${HOST_ID}/up/report`, bytes);
      broker.sayOn('drover/v1/main/x/y/z', bytes);
      broker.sayOn(`drover/v1/main/${HOST_ID}/up/gone`, new Uint8Array([0xff, 0xfe]));
      broker.say(HOST_ID, 'up/report', { v: 1, host: 'host_ffffffffffffffffffff', session: 's', boot: 9, sequence: 9, sentAtMs: 1 });
    }
    await idle();
    expect(logged).toHaveLength(4);
    expect((await store.host(HOST_ID))?.host.boot).toBe(0);
  });

  it('from senders without number costs neither memory nor log', async () => {
    const report = { v: 1, session: 's', boot: 1, sequence: 1, sentAtMs: 1 };
    for (let sender = 0; sender < 20_000; sender += 1) {
      const host = `host_${String(sender).padStart(20, '0')}` as HostId;
      broker.say(host, 'up/report', { ...report, host });
    }
    await idle();
    expect(logged.length).toBeLessThanOrEqual(60);
    expect(broker.disconnected.length).toBeLessThan(20_000);
    await hello();
    expect((await store.host(HOST_ID))?.host.connected).toBe(true);
  });

  it('from a host that was forgotten ends its connection', async () => {
    const other = 'host_ffffffffffffffffffff' as HostId;
    broker.say(other, 'up/report', { v: 1, host: other, session: 's', boot: 1, sequence: 1, sentAtMs: 1 });
    await idle();
    expect(broker.disconnected).toEqual([other]);
  });
});
