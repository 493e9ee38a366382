import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';

/** Looks again and again until there is something to give. What `look` throws counts as "not yet", and is told when the time is over. */
export async function until<T>(what: string, timeoutMs: number, look: () => Promise<T | null | false> | T | null | false): Promise<T> {
  const deadline = realClock.now() + timeoutMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 1.5, 500)) {
    let thrown: unknown = null;
    try {
      const seen = await look();
      if (seen !== null && seen !== false) return seen;
    } catch (error) {
      thrown = error;
    }
    if (realClock.now() > deadline)
      throw new Problem(
        'timeout',
        `${what}: not within ${Math.round(timeoutMs / 1_000)} s${thrown ? `: ${Problem.from(thrown).message}` : ''}`,
        {
          cause: thrown,
          retryable: true,
        },
      );
    await realClock.sleep(pauseMs);
  }
}
