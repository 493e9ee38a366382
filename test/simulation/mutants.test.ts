import { describe, expect, it } from 'vitest';
import { EQUIVALENT, MUTANTS, notice } from './mutants/all.ts';

/** From the seed that showed a mutant when it was written; the code has moved on since, so it may be another one now. */
const SEEDS_MAX = 150;

describe('a rule that is switched off is missed', () => {
  it.each(MUTANTS)('$rule: $name', async (mutant) => {
    expect((await notice(mutant, SEEDS_MAX)).violation).not.toBeNull();
  });
  it.each(EQUIVALENT)('but not this one, for a reason: $mutant.name', async ({ mutant, because }) => {
    // Should it be noticed one day, the reason holds no more.
    expect((await notice(mutant, 5)).violation, because).toBeNull();
  });
});
