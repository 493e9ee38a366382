import { describe, expect, it } from 'vitest';
import { EQUIVALENT, MUTANTS, notice } from './mutants/all.ts';
import { scenarioNames } from './scenario.ts';

/** From the seed that showed a mutant when it was written; the code has moved on since, so it may be another one now. */
const SEEDS_MAX = 150;
/** Enough to see that nothing has changed about them. */
const EQUIVALENT_SEEDS = 5;

it('stories show the rules that they are named for', () => {
  expect(MUTANTS.flatMap(({ scenario }) => scenario ?? []).filter((name) => !scenarioNames().includes(name))).toEqual([]);
});

describe('a rule that is switched off is missed', () => {
  it.each(MUTANTS)('$rule: $name', async (mutant) => {
    expect((await notice(mutant, SEEDS_MAX)).violation).not.toBeNull();
  });
  it.each(EQUIVALENT)('but not this one, for a reason: $mutant.name', async ({ mutant, because }) => {
    // Should it be noticed one day, the reason holds no more.
    expect((await notice(mutant, EQUIVALENT_SEEDS)).violation, because).toBeNull();
  });
});
