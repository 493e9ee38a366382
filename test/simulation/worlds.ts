import { expect, it } from 'vitest';
import { runWorld } from './world.ts';

/** A million events in all, whatever a world comes to: tests in files of their own run beside each other, and each file has its part. */
const EVENTS = 50_000;
const GROUPS = 5;
/** More than a group lives through. */
const SEEDS = 1_000;

export function worldsAreSound(part: number): void {
  const firsts = Array.from({ length: GROUPS }, (_, group) => 1 + SEEDS * ((part - 1) * GROUPS + group));
  it.each(firsts)(
    `in every world nothing is broken in the storm, and all becomes as wished in the calm: ${EVENTS} events from seed %i on`,
    async (first) => {
      let events = 0;
      for (let seed = first; events < EVENTS; seed += 1) {
        const outcome = await runWorld({ seed: String(seed) });
        expect(outcome.violation, `npm run simulate -- --seed ${seed} --shrink`).toBeNull();
        events += outcome.events;
      }
    },
  );
}
