import { parseArgs } from 'node:util';
import { MUTANTS, notice } from './mutants/all.ts';
import { type Outcome, runWorld } from './world.ts';

/** npm run simulate -- [--seed 24] [--seeds 300] [--from 1] [--mutants] [--verbose] */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    mutants: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const MUTANT_SEEDS_MAX = 200;

process.on('unhandledRejection', (thrown) => {
  console.error('nobody took care of:', thrown);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  if (values.mutants) return mutants();
  if (values.seed !== undefined) return one(values.seed);
  await many(Number(values.from), Number(values.seeds));
}

async function one(seed: string): Promise<void> {
  const outcome = await runWorld({ seed, ...(values.verbose ? { tell: (line: string) => console.log(line) } : {}) });
  console.log(inWords(outcome));
  if (outcome.violation) process.exitCode = 1;
}

async function many(from: number, count: number): Promise<void> {
  const begunAtMs = Date.now();
  let events = 0;
  let failed = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = await runWorld({ seed: String(seed) });
    events += outcome.events;
    if (!outcome.violation) continue;
    failed += 1;
    console.log(`${inWords(outcome)}\n  again: npm run simulate -- --seed ${seed} --verbose`);
  }
  const seconds = (Date.now() - begunAtMs) / 1_000;
  console.log(`${count} worlds, ${failed} violations, ${events} events in ${seconds.toFixed(1)} s`);
  if (failed > 0) process.exitCode = 1;
}

async function mutants(): Promise<void> {
  for (const mutant of MUTANTS) {
    const outcome = await notice(mutant, MUTANT_SEEDS_MAX);
    console.log(
      `${outcome ? 'noticed' : 'NOT NOTICED'}: ${mutant.name}${outcome ? ` (seed ${outcome.seed}: ${outcome.violation?.slice(0, 160)})` : ''}`,
    );
    if (!outcome) process.exitCode = 1;
  }
}

const inWords = ({ seed, violation, events, simulatedMs, storyHash }: Outcome): string =>
  `seed ${seed}: ${violation ?? 'all went as it must'} (${events} events in ${simulatedMs / 1_000} simulated seconds, story ${storyHash})`;

await main();
