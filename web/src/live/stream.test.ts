import type { ChangeEvent } from '@drover/shared/api/views';
import { expect, it } from 'vitest';
import { createManualClock } from '../../../test/control-plane/manual-clock.ts';
import { type Connection, openStream } from './stream.ts';

interface Attempt {
  readonly url: string;
  readonly cursor: string | null;
  readonly signal: AbortSignal;
  /** Sends a piece of the stream. */
  say(text: string): void;
  end(): void;
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
};

function world(answer: (attempt: number) => Response | null = () => null) {
  const clock = createManualClock();
  const attempts: Attempt[] = [];
  const connections: Connection['state'][] = [];
  const times: number[] = [];
  const changes: string[] = [];
  const figures: string[] = [];
  const where = { url: '/events' };
  const seen = { resets: 0, signedOut: 0 };
  const fakeFetch: typeof fetch = async (url, init) => {
    const signal = init?.signal ?? new AbortController().signal;
    const headers = new Headers(init?.headers);
    let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given;
      },
    });
    signal.addEventListener('abort', () => controller?.error(signal.reason));
    attempts.push({
      url: String(url),
      cursor: headers.get('last-event-id'),
      signal,
      say: (text) => controller?.enqueue(new TextEncoder().encode(text)),
      end: () => controller?.close(),
    });
    const other = answer(attempts.length);
    return other ?? new Response(body);
  };
  const stream = openStream(
    () => where.url,
    clock,
    {
      onConnection: ({ state, sinceMs }) => {
        connections.push(state);
        times.push(sinceMs);
      },
      onChange: (change: ChangeEvent) => changes.push(change.id),
      onFigures: ({ host }) => figures.push(host.name),
      onReset: () => {
        seen.resets += 1;
      },
      onSignedOut: () => {
        seen.signedOut += 1;
      },
    },
    fakeFetch,
  );
  const last = (): Attempt => {
    const attempt = attempts.at(-1);
    if (attempt === undefined) throw new Error('nothing was attempted');
    return attempt;
  };
  return { clock, stream, attempts, connections, times, changes, figures, where, seen, last };
}

const change = (cursor: number, id: string): string =>
  `id: ${cursor}\nevent: change\ndata: ${JSON.stringify({ cursor, kind: 'guest', id, gone: false })}\n\n`;

it('goes on at another address without a gap, and without a word of a lost connection', async () => {
  const { stream, attempts, connections, changes, figures, where, seen, last } = world();
  await settled();
  last().say(change(41, '100'));
  await settled();
  where.url = '/events?figures=fra-1';
  stream.moved();
  await settled();
  expect(attempts.map(({ url, cursor }) => [url, cursor])).toEqual([
    ['/events', null],
    ['/events?figures=fra-1', '41'],
  ]);
  last().say(`event: figures\ndata: ${JSON.stringify({ host: { id: 'host_x', name: 'fra-1' } })}\n\n${change(42, '101')}`);
  await settled();
  expect({ connections, changes, figures, seen }).toEqual({
    connections: ['connecting', 'live', 'live'],
    changes: ['100', '101'],
    figures: ['fra-1'],
    seen: { resets: 0, signedOut: 0 },
  });
});

it('resumes after the last event that it has seen, without fetching everything again', async () => {
  const { clock, attempts, changes, seen, last, connections } = world();
  await settled();
  last().say(change(41, '100'));
  await settled();
  last().end();
  await settled();
  expect(connections).toEqual(['connecting', 'live', 'lost']);
  clock.advance(1_000);
  await settled();
  expect(attempts).toHaveLength(2);
  expect(last().cursor).toBe('41');
  last().say(change(42, '101'));
  await settled();
  expect(changes).toEqual(['100', '101']);
  expect(seen.resets).toBe(0);
});

it('takes the cursor of the first word, before anything has changed', async () => {
  const { clock, last } = world();
  await settled();
  last().say('id: 7\nevent: hello\ndata: {}\n\n');
  await settled();
  last().end();
  await settled();
  clock.advance(1_000);
  await settled();
  expect(last().cursor).toBe('7');
});

it('fetches everything again when a connection ended before any cursor', async () => {
  const { clock, last, seen } = world();
  await settled();
  last().end();
  await settled();
  clock.advance(1_000);
  await settled();
  expect(seen.resets).toBe(1);
});

it('fetches everything again when the server has forgotten what was missed', async () => {
  const { last, seen } = world();
  await settled();
  last().say('id: 9\nevent: reset\ndata: {}\n\n');
  await settled();
  expect(seen.resets).toBe(1);
});

it('gives a silent connection up, and a heartbeat keeps it', async () => {
  const { clock, last, attempts } = world();
  await settled();
  for (let beat = 0; beat < 10; beat += 1) {
    clock.advance(15_000);
    last().say(': still here\n\n');
    await settled();
  }
  expect(attempts).toHaveLength(1);
  clock.advance(41_000);
  await settled();
  expect(attempts[0]?.signal.aborted).toBe(true);
  clock.advance(1_000);
  await settled();
  expect(attempts).toHaveLength(2);
});

it('says since when nothing was heard, however often it has tried since', async () => {
  const { clock, last, connections, times } = world((attempt) => (attempt === 1 ? null : new Response('', { status: 503 })));
  await settled();
  clock.advance(10_000);
  last().say(': still here\n\n');
  await settled();
  const heardAtMs = clock.now();
  clock.advance(2_000);
  last().end();
  for (let round = 0; round < 6; round += 1) {
    await settled();
    clock.advance(10_000);
  }
  expect(connections.filter((state) => state === 'lost').length).toBeGreaterThan(3);
  expect(new Set(times.slice(2))).toEqual(new Set([heardAtMs]));
});

it('looks at once when the machine wakes up, instead of waiting for the next attempt', async () => {
  const { clock, stream, attempts } = world((attempt) => (attempt < 8 ? new Response('', { status: 503 }) : null));
  for (let round = 0; round < 5; round += 1) {
    await settled();
    clock.advance(10_000);
  }
  await settled();
  const before = attempts.length;
  stream.wake();
  await settled();
  expect(attempts.length).toBe(before + 1);
});

it('does not try again once the session has ended', async () => {
  const { clock, attempts, seen } = world(() => new Response('', { status: 401 }));
  await settled();
  clock.advance(60_000);
  await settled();
  expect(seen.signedOut).toBe(1);
  expect(attempts).toHaveLength(1);
});
