import { writeFileSync } from 'node:fs';
import { castOfContainers, castOfVms } from './cast.ts';
import { Cleanup } from './cleanup.ts';
import { type MeasureContext, measureLives, measureParallel } from './containers/measure.ts';
import { startDrover } from './drover-world.ts';
import { measureIdle } from './idle.ts';
import { inWords, lookAtLoad, type MachineLoad } from './machine-load.ts';
import { type BenchOptions, HELP, parseOptions, type RowName } from './options.ts';
import { ROWS } from './rows.ts';
import { Samples } from './statistics.ts';
import { tableOf } from './table.ts';
import { judge, type RowResult } from './verdict.ts';
import { measureVmLives, measureVmsParallel } from './vms/measure.ts';

const VM_ROWS: ReadonlySet<RowName> = new Set(['P7', 'P8', 'P9']);

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) return console.log(HELP);
  if (process.getuid?.() !== 0) throw new Error('the benchmark needs root: it starts containers and virtual machines');
  const cleanup = new Cleanup();
  const interrupted = (code: number) => {
    say('interrupted: everything that was started is removed');
    void cleanup.run().then(() => process.exit(code));
  };
  process.once('SIGINT', () => interrupted(130));
  process.once('SIGTERM', () => interrupted(143));
  const before = await lookAtLoad();
  say(`before: ${inWords(before)}`);
  let results: readonly RowResult[];
  try {
    results = await measure(options, cleanup);
  } finally {
    await cleanup.run();
  }
  const after = await lookAtLoad();
  console.log(`\nbefore: ${inWords(before)}; after: ${inWords(after)}\n\n${tableOf(results)}`);
  if (options.jsonPath !== null) writeFileSync(options.jsonPath, jsonOf(results, before, after));
}

/** Runs what the wanted rows need; rows that are taken in the same go come along. */
async function measure({ rows, samples: count, peers }: BenchOptions, cleanup: Cleanup): Promise<readonly RowResult[]> {
  const wants = (...names: RowName[]) => names.some((name) => rows.has(name));
  const context: MeasureContext = { samples: new Samples(), say };
  const drover = await startDrover(cleanup);
  const containers = await castOfContainers(drover, { peers: peers && wants('P1', 'P2', 'P3', 'P4', 'P5', 'P6'), cleanup });
  if (wants('P1', 'P2', 'P3', 'P4')) await measureLives(containers.all, count, context);
  if (wants('P5', 'P6')) await measureParallel(containers.all, count, context);
  const vms = await castOfVms(drover, { peers: peers && wants('P7', 'P8', 'P9'), cleanup });
  if (wants('P7', 'P8')) await measureVmLives(vms.all, count, context);
  if (wants('P9')) await measureVmsParallel(vms.all, context);
  if (wants('P19')) await measureIdle(containers.drover, drover.pids, context);
  return ROWS.filter(({ row }) => rows.has(row)).flatMap(
    (row) => judge(row, context.samples, (VM_ROWS.has(row.row) ? vms : containers).cast) ?? [],
  );
}

const jsonOf = (rows: readonly RowResult[], before: MachineLoad, after: MachineLoad): string =>
  `${JSON.stringify({ takenAt: new Date().toISOString(), before, after, rows }, null, 2)}\n`;

function say(line: string): void {
  console.error(line);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
