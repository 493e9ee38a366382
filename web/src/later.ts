import { backoff } from '@drover/shared/lib/backoff';
import { realClock } from '@drover/shared/lib/clock';
import { live } from './live/use.ts';

const ATTEMPTS_MAX = 3;
const loads: (() => Promise<unknown>)[] = [];

/**
 * Code that a first visit does without: fetched when it is first needed, or when there is nothing better to do. While Drover is
 * away it is waited for; the browser would otherwise leave for an error page of its own, and not come back.
 */
export function later<T>(load: () => Promise<T>): () => Promise<T> {
  const patiently = async (): Promise<T> => {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await load();
      } catch (error) {
        // Drover is there and has no such piece: it is a newer one by now, and the page must be loaded anew.
        if (attempts >= ATTEMPTS_MAX && live.connection.get().state !== 'lost') throw error;
        await realClock.sleep(backoff(attempts, 0, { firstMs: 400, maxMs: 3_000 }));
      }
    }
  };
  loads.push(patiently);
  return patiently;
}

/** The rest of the page, so that each place opens at once, and also while Drover is away. */
export function fetchTheRest(): void {
  for (const load of loads) void load().catch(() => undefined); // it is asked for again where it is needed
}
