import { parseArgs } from 'node:util';
import { MUTANTS, notice } from './mutants/all.ts';
import { playScenario, readScenario, scenarioNames } from './scenario.ts';
import { shrink } from './shrink.ts';
import { isWorker, Workers, work } from './workers.ts';
import { type Outcome, runWorld } from './world.ts';

const HELP = `Lives through worlds in which everything goes wrong that can, and looks whether a promise is broken.
A seed decides all of a world: the same seed gives the same world on every machine.

  npm run simulate                                   300 worlds, from seed 1 on
  npm run simulate -- --seeds 5000 --from 1000       seeds 1000 to 5999
  npm run simulate -- --events 1000000               one seed after the other, until so many events have happened
  npm run simulate -- --hours 8                      one seed after the other for eight hours, and a summary
  npm run simulate -- --seed 24 --verbose            one world, line by line
  npm run simulate -- --seed 24 --shrink             leaves out what a broken promise does not need, and says how to see it again
  npm run simulate -- --seed 24 --only ann-3,fault-7 of all that people do and that befalls this world, only this
  npm run simulate -- --scenario clocks-set-back     one of the stories in test/simulation/scenarios, line by line
  npm run simulate -- --mutants                      switches rules off, one at a time: each must be missed

  --jobs N     how many worlds at once; as many as there are processors, if not told
  --from N     the first seed

Ends with 1 when a promise was broken, or when a rule that was switched off was not missed.`;

const SEEDS = 300;
const MUTANT_SEEDS_MAX = 200;
const HOUR_MS = 3_600_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string', default: '1' },
      hours: { type: 'string' },
      events: { type: 'string' },
      only: { type: 'string' },
      scenario: { type: 'string' },
      jobs: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const only = values.only === undefined ? undefined : new Set(values.only.split(',').filter(Boolean));
  if (values.scenario !== undefined) return scenario(values.scenario);
  if (values.seed !== undefined && values.shrink) return shorten(values.seed, only);
  if (values.seed !== undefined) return one(values.seed, only, values.verbose);
  const workers = new Workers(values.jobs === undefined ? undefined : Number(values.jobs));
  try {
    if (values.mutants) await mutants(workers);
    else await many(workers, Number(values.from), muchOf(values));
  } finally {
    workers.end();
  }
}

async function one(seed: string, only: ReadonlySet<string> | undefined, verbose: boolean): Promise<void> {
  const outcome = await runWorld({ seed, ...(only ? { only } : {}), ...(verbose ? { tell: (line: string) => console.log(line) } : {}) });
  console.log(inWords(outcome));
  if (!outcome.violation) return;
  process.exitCode = 1;
  if (!only) console.log(`  shorter: npm run simulate -- --seed ${seed} --shrink`);
}

async function scenario(name: string): Promise<void> {
  if (!scenarioNames().includes(name)) throw new Error(`there is no scenario ${name}; there are ${scenarioNames().join(', ')}`);
  const { log, violation } = await playScenario(readScenario(name));
  console.log(log.join('\n'));
  if (violation) process.exitCode = 1;
}

async function shorten(seed: string, only: ReadonlySet<string> | undefined): Promise<void> {
  const shortest = await shrink(seed, only, (line) => console.log(line));
  if (!shortest) return console.log(`seed ${seed} breaks no promise`);
  console.log(
    `${inWords(shortest)}\n  again: npm run simulate -- --seed ${seed} --only ${shortest.deeds.join(',') || 'nothing'} --verbose`,
  );
  process.exitCode = 1;
}

/** Where to stop: whichever comes first. */
interface Much {
  readonly worlds: number;
  readonly hours: number;
  readonly events: number;
}

function muchOf({ seeds, hours, events }: { readonly seeds?: string; readonly hours?: string; readonly events?: string }): Much {
  const isLong = hours !== undefined || events !== undefined;
  return {
    worlds: Number(seeds ?? (isLong ? Number.POSITIVE_INFINITY : SEEDS)),
    hours: Number(hours ?? Number.POSITIVE_INFINITY),
    events: Number(events ?? Number.POSITIVE_INFINITY),
  };
}

async function many(workers: Workers, from: number, much: Much): Promise<void> {
  const begunAtMs = Date.now();
  const endsAtMs = begunAtMs + much.hours * HOUR_MS;
  const total = { worlds: 0, events: 0, simulatedMs: 0, violations: 0 };
  const settledMs: number[] = [];
  let next = from;
  let nextWordAtMs = begunAtMs + HOUR_MS / 12;
  const isOver = () => next >= from + much.worlds || total.events >= much.events || Date.now() >= endsAtMs;
  await workers.each(
    'seed',
    () => (isOver() ? null : String(next++)),
    (outcome) => {
      total.worlds += 1;
      total.events += outcome.events;
      total.simulatedMs += outcome.simulatedMs;
      if (outcome.settledMs !== null) settledMs.push(outcome.settledMs);
      if (outcome.violation) {
        total.violations += 1;
        console.log(`${inWords(outcome)}\n  shorter: npm run simulate -- --seed ${outcome.seed} --shrink`);
      }
      if (much.worlds > SEEDS && Date.now() > nextWordAtMs) {
        nextWordAtMs += HOUR_MS / 12;
        console.log(`… ${total.worlds} worlds, up to seed ${next - 1}, ${total.violations} violations`);
      }
    },
  );
  const seconds = (Date.now() - begunAtMs) / 1_000;
  const { worlds, violations, events, simulatedMs } = total;
  // Of all threads.
  const { user, system } = process.cpuUsage();
  console.log(
    `${worlds} worlds (seeds ${from} to ${next - 1}), ${violations} violations; ${events} events and ${(simulatedMs / HOUR_MS).toFixed(1)} simulated hours in ${seconds.toFixed(1)} s, ${Math.round((1_000_000 * events) / (user + system))} events for each second of a processor`,
  );
  const share = (part: number) => (settledMs.sort((a, b) => a - b)[Math.ceil(part * settledMs.length) - 1] ?? 0) / 1_000;
  console.log(
    `as wished after the last fault: half of the worlds within ${share(0.5)} s, 99 of 100 within ${share(0.99)} s, all within ${share(1)} s`,
  );
  if (violations > 0) process.exitCode = 1;
}

async function mutants(workers: Workers): Promise<void> {
  const rest = MUTANTS.map((_, index) => index);
  await workers.each(
    'mutant',
    () => rest.shift() ?? null,
    ({ violation, where }, index) => {
      const mutant = MUTANTS[index];
      console.log(`${mutant?.rule}: ${mutant?.name}\n    ${violation === null ? 'NOT MISSED' : `${where}: ${violation.slice(0, 160)}`}`);
      if (violation === null) process.exitCode = 1;
    },
  );
}

const inWords = ({ seed, violation, events, simulatedMs, storyHash }: Outcome): string =>
  `seed ${seed}: ${violation ?? 'all went as it must'} (${events} events in ${simulatedMs / 1_000} simulated seconds, story ${storyHash})`;

process.on('unhandledRejection', (thrown) => {
  console.error('nobody took care of:', thrown);
  process.exitCode = 1;
});

if (isWorker) {
  work(async (job) => {
    if (job.do === 'seed') return runWorld({ seed: job.of });
    const mutant = MUTANTS[job.of];
    if (!mutant) throw new Error(`there is no mutant ${job.of}`);
    return notice(mutant, MUTANT_SEEDS_MAX);
  });
} else await main();
