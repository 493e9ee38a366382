export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delay before attempt `attempts + 1`, doubled each time, capped, with up to a quarter of jitter. `jitter` is a fraction in [0, 1). */
export function backoff(attempts: number, jitter: number, options: BackoffOptions = { firstMs: 1_000, maxMs: 300_000 }): number {
  const exponential = options.firstMs * 2 ** Math.min(Math.max(attempts - 1, 0), 20);
  return Math.round(Math.min(exponential, options.maxMs) * (1 - jitter / 4));
}
