import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectApi } from '../api-client.ts';
import { Cleanup } from '../cleanup.ts';
import { inWords, lookAtLoad } from '../machine-load.ts';
import { ROOT } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { Samples } from '../statistics.ts';
import { tableOf } from '../table.ts';
import { judge, type RowResult } from '../verdict.ts';
import { connectionsMax, startBrokers } from './brokers.ts';
import { cellsOfHosts, type PlannedCell, planCells } from './cell-plan.ts';
import { addCosts, costsOf } from './costs.ts';
import { measureFanOut } from './fan-out.ts';
import { startFleet } from './fleet.ts';
import { measureHerd } from './herd.ts';
import { measureIdleFleet } from './idle-fleet.ts';
import { LINK_HELP, type LinkOptions, type LinkRow, parseLinkOptions } from './link-options.ts';
import { measureChanges, measureCommands, measureCommandsTogether, measureReads } from './measure.ts';
import { newPlane } from './plane.ts';
import { linkRows, words } from './rows.ts';
import { seedFleet } from './seed.ts';
import { takeFloors } from './take-floors.ts';

type Say = (line: string) => void;

const FLOOR = 'floor';
const DROVER = 'Drover';
const CAST = { raw: FLOOR, drover: DROVER, peer: null };
/** At worst; a machine that does much else lets some twenty of them in each second. */
const FIRST_IN_PER_HOST_MS = 90;
const FIRST_IN_LEAST_MS = 120_000;
const SETTLE_MS = 15_000;

const inTurn = (cells: readonly PlannedCell[]): string => cells.map(({ broker, hosts }) => `${words(hosts)} on ${broker}`).join(', ');

/** `npm run bench -- link`: one table for each size of fleet. */
export async function benchLink(args: readonly string[], say: Say): Promise<void> {
  const options = parseLinkOptions(args);
  if (options === null) return console.log(LINK_HELP);
  await runProgram(process.execPath, [join(ROOT, 'infra/build.mjs'), 'control-plane']);
  const taken: object[] = [];
  for (const hosts of options.hosts) {
    const before = await lookAtLoad();
    const rows = await measureScene(hosts, options, say);
    const after = await lookAtLoad();
    const { broker, guestsPerHost } = options;
    const cells = planCells(hosts, broker, connectionsMax());
    const fleet = `${words(hosts)} hosts with ${guestsPerHost} guests each; ${inTurn(cells)}`;
    console.log(`\n${fleet}; before: ${inWords(before)}; after: ${inWords(after)}\n\n${tableOf(rows)}`);
    taken.push({ takenAt: new Date().toISOString(), hosts, guestsPerHost, cells, before, after, rows });
  }
  if (options.jsonPath !== null) writeFileSync(options.jsonPath, `${JSON.stringify(taken, null, 2)}\n`);
  process.exit(0);
}

async function measureScene(hosts: number, options: LinkOptions, say: Say): Promise<readonly RowResult[]> {
  const cleanup = new Cleanup();
  const interrupted = (): void => void cleanup.run().then(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  const samples = new Samples();
  try {
    await takeScene(hosts, options, samples, cleanup, say);
    return rowsOf(hosts, options, samples);
  } catch (thrown) {
    say(`what was taken before it failed:\n${tableOf(rowsOf(hosts, options, samples))}`);
    throw thrown;
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    await cleanup.run();
  }
}

const rowsOf = (hosts: number, { rows }: LinkOptions, samples: Samples): readonly RowResult[] =>
  linkRows(hosts)
    .filter(({ row }) => rows.has(row as LinkRow))
    .flatMap((row) => judge(row, samples, CAST) ?? []);

async function takeScene(hosts: number, options: LinkOptions, samples: Samples, cleanup: Cleanup, say: Say): Promise<void> {
  const wants = (...names: LinkRow[]): boolean => names.some((name) => options.rows.has(name));
  const { guestsPerHost, broker } = options;
  const folder = mkdtempSync(join(tmpdir(), 'drover-bench-link-'));
  cleanup.add('its files', () => rmSync(folder, { recursive: true, force: true }));
  if (wants('P10', 'P11', 'P12')) await takeFloors(folder, broker, Math.min(hosts, 1_000), samples, cleanup, say);

  const cells = planCells(hosts, broker, connectionsMax());
  say(`${words(hosts)} hosts with ${guestsPerHost} guests each are written into a database: ${inTurn(cells)}`);
  const plane = await newPlane(folder, cleanup);
  const identities = join(folder, 'identities.jsonl');
  for await (const some of seedFleet(join(folder, 'control-plane/drover.db'), { cells: cellsOfHosts(cells), guestsPerHost }))
    appendFileSync(identities, some.map((identity) => `${JSON.stringify(identity)}\n`).join(''));
  await plane.start();
  const brokers = await startBrokers(plane, cells, cleanup);
  const fleet = await startFleet(identities, hosts, cleanup);
  const scene = { plane, fleet, brokers };
  const begunAtMs = performance.now();
  const before = costsOf(scene);
  fleet.connect(plane.url);
  let lookAtMs = begunAtMs;
  await fleet.untilIn(hosts, FIRST_IN_LEAST_MS + hosts * FIRST_IN_PER_HOST_MS, ({ in: count, failures }) => {
    plane.mustRun();
    if (performance.now() < lookAtMs) return;
    lookAtMs += 10_000;
    say(`${words(count)} are in, ${words(failures)} dials failed so far`);
  });
  samples.add('first in', DROVER, (performance.now() - begunAtMs) / 1_000);
  addCosts(samples, 'first in cpu', before, costsOf(scene), 1_000);
  await pause(SETTLE_MS);
  const client = await connectApi(plane.url, plane.token());
  cleanup.add('the connection to the API', () => client.close());
  const context = { ...scene, client, guestsPerHost, samples, say };
  try {
    if (wants('P18')) await measureIdleFleet(context);
    if (wants('P17')) await measureReads(context);
    if (wants('P12')) await measureChanges(context);
    if (wants('P10')) {
      await measureCommands(context);
      await measureCommandsTogether(context);
    }
    if (wants('P11')) await measureFanOut(context);
  } catch (thrown) {
    // If that is why, it says more.
    plane.mustRun();
    throw thrown;
  }
  if (!wants('herd')) return;
  client.close();
  await measureHerd(context);
}
