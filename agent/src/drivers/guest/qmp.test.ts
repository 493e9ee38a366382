import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@drover/shared/lib/clock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJsonLines } from './json-lines.ts';
import { QmpConnection, type QmpEvent } from './qmp.ts';

/** A monitor whose answers the test writes. */
let folder: string;
let path: string;
let server: Server;
let peers: Socket[];
let answer: (message: Record<string, unknown>, peer: Socket) => void;

/** Time that passes only when the test says so. */
function createStillClock(): Clock & { pass(): void } {
  const timers = new Set<() => void>();
  return {
    now: () => 0,
    sleep: () => Promise.resolve(),
    after(_delayMs, run) {
      timers.add(run);
      return () => timers.delete(run);
    },
    pass() {
      for (const run of [...timers]) run();
    },
  };
}

const say = (peer: Socket, message: unknown) => peer.write(`${JSON.stringify(message)}\r\n`);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qmp-'));
  path = join(folder, 'qmp.sock');
  peers = [];
  answer = (message, peer) => say(peer, { return: {}, id: message.id });
  server = createServer((peer) => {
    peers.push(peer);
    peer.on(
      'data',
      createJsonLines((message) => answer(Object(message), peer)),
    );
    peer.on('error', () => {});
    say(peer, { QMP: { version: {}, capabilities: ['oob'] } });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
});

afterEach(() => {
  for (const peer of peers) peer.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

test('a conversation that does not come about is ended, so that another can: QEMU talks to one at a time', async () => {
  answer = (message, peer) => say(peer, { error: { class: 'GenericError', desc: 'not now' }, id: message.id });
  const left = new Promise<void>((resolve) => server.once('connection', (peer) => peer.once('close', () => resolve())));
  await expect(open()).rejects.toThrow('not now');
  await left;
});

async function open(clock = createStillClock()) {
  const events: QmpEvent[] = [];
  let closed: () => void = () => {};
  const whenClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const qmp = await QmpConnection.open(path, { clock, onEvent: (event) => events.push(event), onClose: closed });
  return { qmp, events, whenClosed, clock };
}

test('answers find the question they belong to, in whatever order they come', async () => {
  const { qmp } = await open();
  const waiting: Record<string, unknown>[] = [];
  answer = (message, peer) => {
    waiting.push(message);
    if (waiting.length === 2) for (const one of waiting.reverse()) say(peer, { id: one.id, return: one.execute });
  };
  expect(await Promise.all([qmp.execute('first'), qmp.execute('second')])).toEqual(['first', 'second']);
});

test("a refusal is a Problem in QEMU's own words", async () => {
  const { qmp } = await open();
  answer = (message, peer) => say(peer, { id: message.id, error: { class: 'GenericError', desc: 'no such disk' } });
  await expect(qmp.execute('eject')).rejects.toMatchObject({ code: 'host-failed', message: 'QEMU refused eject: no such disk' });
});

test('events and messages of unknown kinds between answers disturb nothing', async () => {
  const { qmp, events } = await open();
  answer = (message, peer) => {
    say(peer, { event: 'STOP', timestamp: { seconds: 1, microseconds: 2 } });
    say(peer, { novelty: true });
    say(peer, { event: 'RESET', data: { guest: true } });
    say(peer, { id: message.id, return: 1 });
  };
  expect(await qmp.execute('query-status')).toBe(1);
  expect(events).toMatchObject([
    { event: 'STOP', data: {} },
    { event: 'RESET', data: { guest: true } },
  ]);
});

test("a question without an answer ends in a timeout, and a late answer is not taken for another's", async () => {
  const { qmp, clock } = await open();
  let late: unknown;
  answer = (message, peer) => {
    if (message.execute === 'slow') late = message.id;
    else {
      say(peer, { id: late, return: 'late' });
      say(peer, { id: message.id, return: 'quick' });
    }
  };
  const slow = qmp.execute('slow');
  clock.pass();
  await expect(slow).rejects.toMatchObject({ code: 'timeout' });
  expect(await qmp.execute('quick')).toBe('quick');
});

test('when QEMU ends, open questions fail, the end is told once, and later questions fail at once', async () => {
  const { qmp, whenClosed } = await open();
  answer = (_message, peer) => peer.destroy();
  await expect(qmp.execute('quit')).rejects.toMatchObject({ code: 'host-failed' });
  await whenClosed;
  expect(qmp.isOpen).toBe(false);
  await expect(qmp.execute('query-status')).rejects.toMatchObject({ code: 'host-failed' });
});

test('a path where nobody listens is told as such', async () => {
  path = join(folder, 'nobody.sock');
  await expect(open()).rejects.toMatchObject({ code: 'not-found' });
});

test('a monitor that never greets is given up', async () => {
  const silent = createServer((peer) => peers.push(peer));
  path = join(folder, 'silent.sock');
  await new Promise<void>((resolve) => silent.listen(path, resolve));
  const clock = createStillClock();
  const opening = open(clock);
  const told = expect(opening).rejects.toMatchObject({ code: 'timeout' });
  await new Promise<void>((resolve) => silent.once('connection', () => resolve()));
  // The connecting side learns of it a turn later.
  await new Promise<void>((resolve) => setImmediate(resolve));
  clock.pass();
  await told;
  silent.close();
});
