import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { LocalClient } from '../../../control-plane/src/db/local-client.ts';
import { cpuMs } from '../cpu-time.ts';
import { memoryMiB } from '../idle.ts';
import type { Fleet } from './fleet.ts';
import { p99, probeApi } from './herd.ts';
import type { LinkContext } from './measure.ts';
import type { Plane } from './plane.ts';

const DROVER = 'Drover';
const LOOK_MS = 60_000;
const HOUR_MS = 3_600_000;

/** P18: what a fleet costs that has nothing to say, and what it leaves on disk. */
export async function measureIdleFleet(plane: Plane, { fleet, samples, say }: LinkContext): Promise<void> {
  say(`idle for ${LOOK_MS / 1_000} s`);
  const database = new LocalClient(`${plane.folder}/control-plane/drover.db`, 5_000);
  const tables = (await database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")).rows;
  const kept = tables.map(({ name }) => String(name)).filter((name) => !/^(guest_search|sqlite)/.test(name));
  const rows = async (): Promise<number> => {
    let sum = 0;
    for (const table of kept) sum += Number((await database.execute(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n);
    return sum;
  };
  const look = async () => ({
    atMs: performance.now(),
    cpuMs: cpuMs(plane.pid()),
    replies: fleet.counts().replies,
    bytes: bytesWritten(plane.pid()),
    rows: await rows(),
  });
  const before = await look();
  const writes = watchRows(database, fleet);
  const half = pause(LOOK_MS);
  await half;
  const rowWrites = await writes.end();
  const after = await look();
  const ms = after.atMs - before.atMs;
  const perHostAndHour = (count: number): number => (count * HOUR_MS) / ms / fleet.hosts;
  samples.add('idle cpu', DROVER, (100 * (after.cpuMs - before.cpuMs)) / ms);
  samples.add('idle memory', DROVER, memoryMiB(plane.pid()));
  samples.add('reports', DROVER, ((after.replies - before.replies) * 1_000) / ms);
  samples.add('rows per hour', DROVER, perHostAndHour(rowWrites));
  samples.add('bytes per hour', DROVER, perHostAndHour(after.bytes - before.bytes) / 1_024);
  samples.add('growth per hour', DROVER, perHostAndHour(after.rows - before.rows));
  database.close();
  const api = probeApi(plane);
  await pause(LOOK_MS / 4);
  samples.add('idle api p99', DROVER, p99((await api.end()).times));
}

/** Counts how often the row of a host changes, by looking at all of them about once a second. */
function watchRows(database: LocalClient, { hosts }: Fleet): { end(): Promise<number> } {
  let isDone = false;
  let writes = 0;
  async function run(): Promise<void> {
    let before = new Map<string, number>();
    while (!isDone) {
      const { rows } = await database.execute('SELECT id, sequence, heard_at_ms AS heard FROM host');
      const now = new Map(rows.map(({ id, sequence, heard }) => [String(id), Number(sequence) + Number(heard)]));
      if (before.size === hosts) for (const [id, value] of now) if (before.get(id) !== value) writes += 1;
      before = now;
      await pause(1_000);
    }
  }
  const running = run();
  return {
    async end() {
      isDone = true;
      await running;
      return writes;
    },
  };
}

/** What a process has had written to the disk. */
function bytesWritten(pid: number): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}
