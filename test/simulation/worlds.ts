import { expect, it } from 'vitest';
import { runWorld } from './world.ts';

const GROUP = 25;

/** Tests in files of their own run beside each other: each takes a part of the seeds. */
export function worldsAreSound(from: number, to: number): void {
  const firsts = Array.from({ length: Math.ceil((to - from + 1) / GROUP) }, (_, index) => from + index * GROUP);
  it.each(firsts)(
    `in every world nothing is broken in the storm, and all becomes as wished in the calm: ${GROUP} worlds from seed %i on`,
    async (first) => {
      for (let seed = first; seed < first + GROUP && seed <= to; seed += 1) {
        const { violation } = await runWorld({ seed: String(seed) });
        expect(violation, `npm run simulate -- --seed ${seed} --shrink`).toBeNull();
      }
    },
  );
}
