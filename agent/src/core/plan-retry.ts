import { backoff } from '@drover/shared/lib/backoff';
import type { ResourceKind } from '@drover/shared/model/resource';

/** After so many failures in a row a resource needs a person; it is still tried each hour, and at once when its wish changes. */
const ATTEMPTS_MAX = 6;
const HOUR_MS = 3_600_000;
/** A storage that was unplugged, a network whose card was away: cheap to try, and all that stands on it waits. */
const GROUND_MS = 60_000;
const RETRY = { firstMs: 1_000, maxMs: 30_000 };

/** When to try again what has failed so many times in a row. */
export function planRetry(
  { kind, attempts, retryable }: { readonly kind: ResourceKind; readonly attempts: number; readonly retryable: boolean },
  fraction: number,
): { readonly givenUp: boolean; readonly delayMs: number } {
  const givenUp = !retryable || attempts >= ATTEMPTS_MAX;
  if (!givenUp) return { givenUp, delayMs: backoff(attempts, fraction, RETRY) };
  const isGround = kind === 'storage' || kind === 'network';
  return { givenUp, delayMs: isGround && retryable ? GROUND_MS : HOUR_MS };
}
