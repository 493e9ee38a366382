import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';

const WINDOW_MS = 60_000;
const FAILURES_MAX = 10;
const ADDRESSES_MAX = 10_000;

/** Slows down whoever tries secrets: ten wrong ones in a minute from one address, then the rest of that minute is refused. */
export interface Attempts {
  /** Runs `attempt`; one that throws not-signed-in or not-allowed counts as a failure. */
  try<T>(address: string | null, attempt: () => Promise<T>): Promise<T>;
}

export function createAttempts(clock: Clock): Attempts {
  const failures = new Map<string, { count: number; readonly untilMs: number }>();

  function current(address: string): { count: number; readonly untilMs: number } | undefined {
    const entry = failures.get(address);
    if (entry && entry.untilMs > clock.now()) return entry;
    failures.delete(address);
    return undefined;
  }

  return {
    async try(address, attempt) {
      const key = address ?? 'unknown';
      const entry = current(key);
      if (entry && entry.count >= FAILURES_MAX) {
        const seconds = Math.ceil((entry.untilMs - clock.now()) / 1000);
        throw new Problem('too-many-requests', `too many wrong attempts from this address; try again in ${seconds} s`, {
          retryable: true,
          retryAfterS: seconds,
        });
      }
      try {
        return await attempt();
      } catch (thrown) {
        if (thrown instanceof Problem && (thrown.code === 'not-signed-in' || thrown.code === 'not-allowed')) {
          const counted = current(key) ?? { count: 0, untilMs: clock.now() + WINDOW_MS };
          counted.count += 1;
          // The oldest entry goes first: memory stays bounded however many addresses try.
          const [oldest] = failures.keys();
          if (oldest !== undefined && failures.size >= ADDRESSES_MAX) failures.delete(oldest);
          failures.set(key, counted);
        }
        throw thrown;
      }
    },
  };
}
