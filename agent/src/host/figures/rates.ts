import type { Flow } from './proc.ts';

/** Makes rates of counters: each is compared with what it was at the look before. */
export interface Rates {
  /** A second; null at the first look, and when the counter began anew. `key` tells counters apart, also those of a guest's other life. */
  of(key: string, value: number, atMs: number): number | null;
  /** The same of both directions. */
  flow(key: string, flow: Flow, atMs: number): Flow | null;
  /** Forgets what was not asked for since the last call: guests that have ended. */
  sweep(): void;
}

interface Seen {
  readonly value: number;
  readonly atMs: number;
}

export function createRates(): Rates {
  let before = new Map<string, Seen>();
  let now = new Map<string, Seen>();

  function rateOf(key: string, value: number, atMs: number): number | null {
    const last = before.get(key);
    now.set(key, { value, atMs });
    if (!last || atMs <= last.atMs || value < last.value) return null;
    return ((value - last.value) * 1_000) / (atMs - last.atMs);
  }
  return {
    of: rateOf,
    flow(key, flow, atMs) {
      const [into, out] = [rateOf(`${key}/in`, flow.in, atMs), rateOf(`${key}/out`, flow.out, atMs)];
      return into === null || out === null ? null : { in: Math.round(into), out: Math.round(out) };
    },
    sweep() {
      before = now;
      now = new Map();
    },
  };
}
