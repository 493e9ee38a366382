import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { castOfContainers, castOfVms } from './cast.ts';
import { Cleanup } from './cleanup.ts';
import { type MeasureContext, measureDebian, measureLives, measureParallel } from './containers/measure.ts';
import { cpuMs } from './cpu-time.ts';
import { type DroverWorld, startDrover } from './drover-world.ts';
import { takeGround } from './ground.ts';
import { measureIdle } from './idle.ts';
import { bringImages } from './images.ts';
import { benchLink } from './link/bench-link.ts';
import { inWords, lookAtLoad, type MachineLoad } from './machine-load.ts';
import { type BenchOptions, HELP, parseOptions, type RowName } from './options.ts';
import { ensurePeers } from './peers/packages.ts';
import { ROWS } from './rows.ts';
import { runProgram } from './run-program.ts';
import { Samples } from './statistics.ts';
import { tableOf } from './table.ts';
import { judge, type RowResult } from './verdict.ts';
import { measureVmLives, measureVmsParallel } from './vms/measure.ts';

const VM_ROWS: ReadonlySet<RowName> = new Set(['P7', 'P8', 'P9']);

async function main(): Promise<void> {
  const [first, ...rest] = process.argv.slice(2);
  if (first === 'link') return benchLink(rest, say);
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
  if (peers) await ensurePeers(say);
  await runProgram(process.execPath, [join(import.meta.dirname, '../../infra/build.mjs'), 'control-plane', 'agent']);
  await takeGround(cleanup);
  const world = await startDrover(cleanup);
  const images = await bringImages(world, wants('P2') ? ['busybox', 'debian'] : ['busybox'], say);
  const containers = await castOfContainers(world, images, { peers: peers && !isSubset(rows, VM_ROWS), cleanup });
  if (wants('P1', 'P2', 'P3', 'P4')) await withCpuTime(world, count, context, () => measureLives(containers.all, count, context));
  if (wants('P2')) await measureDebian(containers.all, count, context);
  if (wants('P5', 'P6')) await measureParallel(containers.all, count, context);
  const vms = await castOfVms(world, { peers: peers && wants(...VM_ROWS), cleanup });
  if (wants('P7', 'P8')) await measureVmLives(vms.all, count, context);
  if (wants('P9')) await measureVmsParallel(vms.all, context);
  if (wants('P19')) await measureIdle(containers.all.slice(1), containers.idle, context);
  return ROWS.filter(({ row }) => rows.has(row)).flatMap(
    (row) => judge(row, context.samples, (VM_ROWS.has(row.row) ? vms : containers).cast) ?? [],
  );
}

const isSubset = (names: ReadonlySet<RowName>, of: ReadonlySet<RowName>): boolean => [...names].every((name) => of.has(name));

/** What a container's life costs Drover's own processes: unlike time on the clock it changes little when others use the machine. */
async function withCpuTime({ pids }: DroverWorld, lives: number, { samples }: MeasureContext, act: () => Promise<void>): Promise<void> {
  const before = { agent: cpuMs(pids.agent), controlPlane: cpuMs(pids.controlPlane) };
  await act();
  samples.add('life cpu agent', 'Drover', (cpuMs(pids.agent) - before.agent) / lives);
  samples.add('life cpu control plane', 'Drover', (cpuMs(pids.controlPlane) - before.controlPlane) / lives);
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
