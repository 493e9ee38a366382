import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { launch } from '../../system/process.ts';
import { freePort } from '../../system/world.ts';
import { Cleanup } from '../cleanup.ts';
import { ROOT } from '../root.ts';
import { quantile, type Samples } from '../statistics.ts';
import type { BrokerName } from './cell-plan.ts';
import { startFleet } from './fleet.ts';
import { bareLink, commitTimes } from './floors.ts';
import { startBareMosquitto } from './mosquitto.ts';

const FLOOR = 'floor';
const ROUNDS = 300;
const FAN_OUT_ROUNDS = 3;
const FLOOD = 10_000;
const PACED = 500;
const PACED_EVERY_MS = 10;
const CLIENTS_IN_MS = 60_000;

/** The bare broker with bare clients, and the bare database on the same disk. */
export async function takeFloors(
  folder: string,
  broker: BrokerName,
  clients: number,
  samples: Samples,
  cleanup: Cleanup,
  say: (line: string) => void,
): Promise<void> {
  say('the bare broker and the bare database');
  for (const ms of await commitTimes(folder, ROUNDS)) samples.add('api write', FLOOR, ms);
  const floors = new Cleanup();
  cleanup.add('the floor', () => floors.run());
  const url = broker === 'mosquitto' ? (await startBareMosquitto(join(folder, 'bare'), floors)).url : await startBareAedes(floors);
  const fleet = await startFleet('', clients, floors);
  fleet.echo(url, clients);
  await fleet.untilIn(clients, CLIENTS_IN_MS);
  const link = await bareLink(url);
  for (let round = 0; round < ROUNDS; round += 1) {
    const ms = await link.fanOut(1);
    for (const measure of ['round trip', 'change seen'] as const) samples.add(measure, FLOOR, ms);
  }
  const paced: Promise<number>[] = [];
  for (let turn = 0; turn < PACED; turn += 1) {
    paced.push(link.one(turn % clients));
    await pause(PACED_EVERY_MS);
  }
  samples.add('round trip p99', FLOOR, quantile(await Promise.all(paced), 0.99));
  samples.add('change seen p99', FLOOR, quantile(samples.of('change seen', FLOOR), 0.99));
  for (let round = 0; round < FAN_OUT_ROUNDS; round += 1) samples.add('fan-out', FLOOR, await link.fanOut(clients));
  samples.add('commands per second', FLOOR, await link.flood(FLOOD, clients));
  await link.close();
  await floors.run();
}

async function startBareAedes(cleanup: Cleanup): Promise<string> {
  const port = await freePort();
  const running = launch(['infra/run.mjs', 'test/bench/link/bare-broker.ts', String(port)], {}, ROOT);
  cleanup.add('the bare broker', () => running.end('SIGKILL'));
  await running.untilSays(/bare broker is up/);
  return `ws://127.0.0.1:${port}`;
}
