/** The only door to time, so that the simulator can own it. Times are integer epoch milliseconds. */
export interface Clock {
  now(): number;
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once after `delayMs`; the returned function cancels. */
  after(delayMs: number, run: () => void): () => void;
}

/**
 * Is it still too early, for what has waited since `sinceMs` and comes at `untilMs`? A clock that shows a time before the waiting
 * began was set back: how long ago that was is not known, and nothing waits for as long as the clock was wrong.
 */
export const isTooEarly = (nowMs: number, sinceMs: number, untilMs: number): boolean => sinceMs <= nowMs && nowMs < untilMs;

export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = setTimeout(done, delayMs);
      function done() {
        signal?.removeEventListener('abort', aborted);
        resolve();
      }
      function aborted() {
        clearTimeout(timer);
        reject(signal?.reason);
      }
      signal?.addEventListener('abort', aborted, { once: true });
    }),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
