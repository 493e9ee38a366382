import type { Clock } from '@drover/shared/lib/clock';

export interface ThrottleOptions {
  /** So many failures cost nothing. */
  readonly free: number;
  /** What the first one after them costs; each further one twice as much as the last. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** A key without a failure for so long starts anew. */
  readonly forgetMs: number;
  readonly keysMax: number;
}

/** Makes each failure of one key dearer than the last. Nobody is shut out for longer than `maxMs`. */
export interface Throttle {
  /** How long this key has to wait; 0: not at all. */
  waitMs(key: string): number;
  /** Counted before it is known how the attempt ends, so that a thousand at the same moment are not one. */
  /** The returned function takes it back. */
  begin(key: string): () => void;
  /** Forgets all failures of this key. */
  succeeded(key: string): void;
}

interface Entry {
  failures: number;
  lastAtMs: number;
}

/**
 * In memory, and bounded. Written to the database each guess of a stranger would be a write; what is lost with it is that a restart, which
 * no stranger can bring about, gives a few free guesses, and that each of several control planes counts for itself.
 */
export function createThrottle(clock: Clock, { free, firstMs, maxMs, forgetMs, keysMax }: ThrottleOptions): Throttle {
  const entries = new Map<string, Entry>();

  function current(key: string): Entry | undefined {
    const entry = entries.get(key);
    // A clock that was set back must not make anybody wait for as long as it was wrong.
    if (entry && entry.lastAtMs <= clock.now() && clock.now() - entry.lastAtMs < forgetMs) return entry;
    entries.delete(key);
    return undefined;
  }

  const delayAfter = (failures: number): number => (failures < free ? 0 : Math.min(firstMs * 2 ** Math.min(failures - free, 30), maxMs));

  return {
    waitMs(key) {
      const entry = current(key);
      return entry ? Math.max(0, entry.lastAtMs + delayAfter(entry.failures) - clock.now()) : 0;
    },
    begin(key) {
      const before = current(key);
      const counted = { failures: (before?.failures ?? 0) + 1, lastAtMs: clock.now() };
      // The one that has been quiet for longest goes first: memory stays bounded however many keys are tried.
      entries.delete(key);
      const [quietest] = entries.keys();
      if (quietest !== undefined && entries.size >= keysMax) entries.delete(quietest);
      entries.set(key, counted);
      return () => {
        counted.failures -= 1;
        counted.lastAtMs = before?.lastAtMs ?? counted.lastAtMs;
      };
    },
    succeeded: (key) => void entries.delete(key),
  };
}
