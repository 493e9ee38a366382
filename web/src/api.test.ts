import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { call, Refusal } from './api.ts';

/** What a fetch of ours was asked, and what it says: null never answers. */
let answers: (Response | Error | null)[] = [];
let asked: RequestInit[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
  asked = [];
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => {
    asked.push(init);
    const answer = answers.shift() ?? null;
    if (answer instanceof Response) return Promise.resolve(answer);
    if (answer instanceof Error) return Promise.reject(answer);
    return new Promise((_resolve, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const keyOf = (init: RequestInit | undefined): string | null => new Headers(init?.headers).get('idempotency-key');

it('a request that is never answered is sent again, and a write is still the same write', async () => {
  answers = [null, Response.json({ id: 7 })];
  const answer = call('POST', '/guests', { body: {} });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await answer).toEqual({ id: 7 });
  expect(asked).toHaveLength(2);
  expect(keyOf(asked[0])).toMatch(/^\w{24}$/);
  expect(keyOf(asked[1])).toBe(keyOf(asked[0]));
});

it('an answer that breaks off counts as none', async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) });
  answers = [new Response(broken), Response.json({ id: 7 })];
  const answer = call('GET', '/guests/7');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await answer).toEqual({ id: 7 });
});

it('says that Drover does not answer, after three attempts', async () => {
  answers = [new Error('refused'), null, new Error('refused')];
  const outcome = call('GET', '/guests').catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(await outcome).toMatchObject({ name: 'Refusal', problem: null });
  expect(asked).toHaveLength(3);
});

it('what the control plane refuses is said in its words, and not asked again', async () => {
  const problem = { code: 'conflict', detail: 'the name web is taken', status: 409 };
  answers = [Response.json(problem, { status: 409 })];
  const refused = await call('POST', '/guests', { body: {} }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Refusal);
  expect(refused).toMatchObject({ problem });
  expect(asked).toHaveLength(1);
});

it('somebody who looks away is not waited for', async () => {
  const abort = new AbortController();
  const outcome = call('GET', '/guests', { signal: abort.signal }).catch((error: unknown) => error);
  abort.abort(new Error('gone'));
  expect(await outcome).toMatchObject({ message: 'gone' });
  expect(asked).toHaveLength(1);
});
