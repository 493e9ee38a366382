import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { IdempotencyKey } from '../core/change.ts';

const KEEP_MS = 24 * 3_600_000;
const ANSWERS_MAX = 2_000;

/**
 * The near half of Idempotency-Key: in this process, requests with one key wait for the first and get its very answer, also what
 * is shown only once and therefore never stored. The far half is the key that `perform` commits together with the change.
 */
export type Remember = (key: IdempotencyKey | undefined, run: () => Promise<Response>) => Promise<Response>;

interface Remembered {
  readonly key: IdempotencyKey;
  readonly answer: Promise<Response>;
  readonly atMs: number;
}

export function rememberAnswers(clock: Clock): Remember {
  const answers = new Map<string, Remembered>();
  return async (key, run) => {
    if (!key) return run();
    const name = `${key.userId} ${key.key}`;
    const earlier = answers.get(name);
    if (earlier && clock.now() - earlier.atMs < KEEP_MS) {
      if (!isSame(earlier.key, key)) throw reused();
      return (await earlier.answer).clone();
    }
    const answer = run();
    answers.delete(name);
    answers.set(name, { key, answer, atMs: clock.now() });
    const [oldest] = answers.keys();
    if (oldest !== undefined && answers.size > ANSWERS_MAX) answers.delete(oldest);
    try {
      return (await answer).clone();
    } catch (thrown) {
      // Nothing was done under it, so the key is free again.
      answers.delete(name);
      throw thrown;
    }
  };
}

const isSame = (a: IdempotencyKey, b: IdempotencyKey): boolean =>
  a.method === b.method && a.path === b.path && a.bodyDigest === b.bodyDigest;

const reused = (): Problem =>
  new Problem('idempotency-key-reused', 'this Idempotency-Key was used for another request', {
    suggestion: 'use a new key for each request',
  });
