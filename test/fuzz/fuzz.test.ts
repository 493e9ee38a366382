import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChance } from '../simulation/chance.ts';
import { mutate } from './mutate.ts';
import { seeds } from './seeds.ts';
import { fuzz, TARGETS } from './targets.ts';

const CASES = join(import.meta.dirname, 'cases');

describe('whatever bytes somebody hostile sends', () => {
  it('the seeds reach every target', () => {
    expect(new Set(seeds().map((seed) => TARGETS[seed[0] ?? -1]?.[0]))).toEqual(new Set(TARGETS.map(([name]) => name)));
  });

  it('what was found once stays dealt with', async () => {
    for (const name of existsSync(CASES) ? readdirSync(CASES) : []) await fuzz(new Uint8Array(readFileSync(join(CASES, name))));
  });

  it.each(TARGETS.map(([name], index) => [name, index] as const))('%s: any bytes at all', async (_name, index) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => fuzz(Uint8Array.of(index, ...bytes))),
      { numRuns: 500 },
    );
  });

  it.each(TARGETS.map(([name], index) => [name, index] as const))('%s: messages of ours, changed here and there', async (_name, index) => {
    const own = seeds().filter((seed) => seed[0] === index);
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.nat(20), async (seed, times) => {
        const random = createChance(String(seed));
        const any = () => random.pick(own);
        let input = any();
        for (let time = 0; time <= times; time += 1) input = mutate(random, input, any());
        await fuzz(input);
      }),
      { numRuns: 300 },
    );
  });
});
