import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { launch } from '../../system/process.ts';
import { freePort } from '../../system/world.ts';
import { connectApi } from '../api-client.ts';
import { Cleanup } from '../cleanup.ts';
import { cpuMs } from '../cpu-time.ts';
import { inWords, lookAtLoad } from '../machine-load.ts';
import { ROOT } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { Samples } from '../statistics.ts';
import { tableOf } from '../table.ts';
import { judge, type RowResult } from '../verdict.ts';
import { startFleet } from './fleet.ts';
import { bareLink, commitTimes } from './floors.ts';
import { measureHerd, p99 } from './herd.ts';
import { measureIdleFleet } from './idle-fleet.ts';
import { LINK_HELP, type LinkOptions, type LinkRow, parseLinkOptions } from './link-options.ts';
import { measureChanges, measureCommands, measureFanOut, measureReads } from './measure.ts';
import { newPlane } from './plane.ts';
import { linkRows, words } from './rows.ts';
import { seedFleet } from './seed.ts';

type Say = (line: string) => void;

const FLOOR = 'floor';
const DROVER = 'Drover';
const CAST = { raw: FLOOR, drover: DROVER, peer: null };
const FIRST_IN_MS = 900_000;
const PER_HOST_MS = 4;
const SETTLE_MS = 15_000;

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
    console.log(`\n${words(hosts)} hosts; before: ${inWords(before)}; after: ${inWords(after)}\n\n${tableOf(rows)}`);
    taken.push({ takenAt: new Date().toISOString(), hosts, before, after, rows });
  }
  if (options.jsonPath !== null) writeFileSync(options.jsonPath, `${JSON.stringify(taken, null, 2)}\n`);
  process.exit(0);
}

async function measureScene(hosts: number, options: LinkOptions, say: Say): Promise<readonly RowResult[]> {
  const cleanup = new Cleanup();
  const interrupted = (): void => void cleanup.run().then(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const samples = new Samples();
    await takeScene(hosts, options, samples, cleanup, say);
    return linkRows(hosts)
      .filter(({ row }) => options.rows.has(row as LinkRow))
      .flatMap((row) => judge(row, samples, CAST) ?? []);
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    await cleanup.run();
  }
}

async function takeScene(hosts: number, options: LinkOptions, samples: Samples, cleanup: Cleanup, say: Say): Promise<void> {
  const wants = (...names: LinkRow[]): boolean => names.some((name) => options.rows.has(name));
  const { guestsPerHost } = options;
  const folder = mkdtempSync(join(tmpdir(), 'drover-bench-link-'));
  cleanup.add('its files', () => rmSync(folder, { recursive: true, force: true }));
  if (wants('P10', 'P11')) await takeFloors(folder, Math.min(hosts, 1_000), samples, cleanup, say);

  say(`${words(hosts)} hosts with ${guestsPerHost} guests each are written into a database`);
  const plane = await newPlane(folder, cleanup);
  const identities = join(folder, 'identities.json');
  const seed = { hosts, guestsPerHost };
  writeFileSync(identities, JSON.stringify(await seedFleet(join(folder, 'control-plane/drover.db'), seed)));
  await plane.start();
  const fleet = await startFleet(identities, hosts, cleanup);
  const begunAtMs = performance.now();
  fleet.connect(plane.url, hosts * PER_HOST_MS);
  let lookAtMs = begunAtMs;
  await fleet.untilIn(hosts, FIRST_IN_MS, ({ in: count, failures }) => {
    if (performance.now() < lookAtMs) return;
    lookAtMs += 10_000;
    say(`${words(count)} are in, ${words(failures)} dials failed so far`);
  });
  say(`all are in after ${Math.round((performance.now() - begunAtMs) / 1_000)} s`);
  await pause(SETTLE_MS);
  const client = await connectApi(plane.url, plane.token());
  cleanup.add('the connection to the API', () => client.close());
  const context = { client, fleet, guestsPerHost, samples, say };
  if (wants('P18')) await measureIdleFleet(plane, context);
  if (wants('P17')) await measureReads(context);
  if (wants('P12')) await measureChanges(context);
  if (wants('P10')) await measureCommands(context);
  if (wants('P11')) await measureFanOut(context);
  if (!wants('herd')) return;
  client.close();
  const herd = await measureHerd(plane, fleet, say);
  samples.add('back', DROVER, herd.backS);
  samples.add('back cpu', DROVER, cpuMs(plane.pid()) / 1_000);
  samples.add('back api p99', DROVER, p99(herd.apiMs));
  samples.add('back api failures', DROVER, herd.apiFailures);
}

const ROUNDS = 300;
const FAN_OUT_ROUNDS = 3;
const FLOOD = 10_000;

/** The bare broker with bare clients, and the bare database on the same disk. */
async function takeFloors(folder: string, clients: number, samples: Samples, cleanup: Cleanup, say: Say): Promise<void> {
  say('the bare broker and the bare database');
  for (const ms of await commitTimes(folder, ROUNDS)) samples.add('api write', FLOOR, ms);
  const floors = new Cleanup();
  cleanup.add('the floor', () => floors.run());
  const port = await freePort();
  const running = launch(['infra/run.mjs', 'test/bench/link/bare-broker.ts', String(port)], {}, ROOT);
  floors.add('the bare broker', () => running.end('SIGKILL'));
  await running.untilSays(/bare broker is up/);
  const fleet = await startFleet('', clients, floors);
  const url = `ws://127.0.0.1:${port}`;
  fleet.echo(url, clients);
  await fleet.untilIn(clients, FIRST_IN_MS);
  const link = await bareLink(url);
  for (let round = 0; round < ROUNDS; round += 1) samples.add('round trip', FLOOR, await link.fanOut(1));
  for (let round = 0; round < FAN_OUT_ROUNDS; round += 1) samples.add('fan-out', FLOOR, await link.fanOut(clients));
  samples.add('commands per second', FLOOR, await link.flood(FLOOD, clients));
  await link.close();
  await floors.run();
}
