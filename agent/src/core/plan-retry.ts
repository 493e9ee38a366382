import { backoff } from '@drover/shared/lib/backoff';

/** After so many failures in a row a resource needs a person; it is still tried each hour, and at once when its wish changes. */
const ATTEMPTS_MAX = 6;
const HOUR_MS = 3_600_000;
const RETRY = { firstMs: 1_000, maxMs: 30_000 };

/** When to try again what has failed so many times in a row. */
export function planRetry(attempts: number, retryable: boolean, fraction: number): { readonly givenUp: boolean; readonly delayMs: number } {
  const givenUp = !retryable || attempts >= ATTEMPTS_MAX;
  return { givenUp, delayMs: givenUp ? HOUR_MS : backoff(attempts, fraction, RETRY) };
}
