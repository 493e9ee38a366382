import type { Clock } from '@drover/shared/lib/clock';

/** Time that passes when a test says so. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
  /** Somebody sets it; what is waited for comes when it would have come. */
  set(toMs: number): void;
}

export function createManualClock(startMs = 1_795_000_000_000): ManualClock {
  let nowMs = startMs;
  const timers = new Set<{ atMs: number; readonly run: () => void }>();

  function after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: nowMs + delayMs, run };
    timers.add(timer);
    return () => timers.delete(timer);
  }

  return {
    now: () => nowMs,
    after,
    sleep: (delayMs) => new Promise((resolve) => after(delayMs, resolve)),
    advance(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
        if (!next) break;
        timers.delete(next);
        nowMs = next.atMs;
        next.run();
      }
      nowMs = untilMs;
    },
    set(toMs) {
      for (const timer of timers) timer.atMs += toMs - nowMs;
      nowMs = toMs;
    },
  };
}
