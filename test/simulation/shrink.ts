import { type Outcome, runWorld } from './world.ts';

/**
 * The same world with as few deeds as still break a promise, any promise; null: it breaks none. Halves are left out while
 * that can be done, then quarters and so on, down to single deeds.
 */
export async function shrink(seed: string, only: ReadonlySet<string> | undefined, say: (line: string) => void): Promise<Outcome | null> {
  const attempt = async (deeds: readonly string[]): Promise<Outcome | null> => {
    const outcome = await runWorld({ seed, only: new Set(deeds) });
    return outcome.violation ? outcome : null;
  };
  const first = await runWorld({ seed, ...(only ? { only } : {}) });
  if (!first.violation) return null;
  say(`${first.deeds.length} deeds: ${first.violation}`);
  let best: Outcome = first;
  for (let parts = 2; best.deeds.length > 0; ) {
    const size = Math.ceil(best.deeds.length / parts);
    let shorter: Outcome | null = null;
    for (let from = 0; from < best.deeds.length && !shorter; from += size) {
      shorter = await attempt([...best.deeds.slice(0, from), ...best.deeds.slice(from + size)]);
    }
    if (shorter) {
      best = shorter;
      say(`${best.deeds.length} deeds: ${best.violation}`);
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(best.deeds.length, 2 * parts);
  }
  return best;
}
