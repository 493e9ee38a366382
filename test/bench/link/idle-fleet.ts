import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { LocalClient } from '../../../control-plane/src/db/local-client.ts';
import { memoryMiB } from '../idle.ts';
import { addCosts, costsOf } from './costs.ts';
import { p99, probeApi } from './herd.ts';
import type { LinkContext } from './measure.ts';

const DROVER = 'Drover';
const LOOK_MS = 60_000;
const WATCHED = 1_000;
const HOUR_MS = 3_600_000;

/** P18: what a fleet costs that has nothing to say, and what it leaves on disk. */
export async function measureIdleFleet(context: LinkContext): Promise<void> {
  const { plane, fleet, samples, say } = context;
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
    costs: costsOf(context),
    replies: fleet.counts().replies,
    bytes: bytesWritten(plane.pid()),
    rows: await rows(),
  });
  const before = await look();
  const writes = await watchRows(database);
  await pause(LOOK_MS);
  const rowWrites = await writes.end();
  const after = await look();
  const ms = after.atMs - before.atMs;
  const perHostAndHour = (count: number, hosts = fleet.hosts): number => (count * HOUR_MS) / ms / hosts;
  addCosts(samples, 'idle cpu', before.costs, after.costs, ms / 100);
  samples.add('idle memory', DROVER, memoryMiB(plane.pid()));
  samples.add('reports', DROVER, ((after.replies - before.replies) * 1_000) / ms);
  samples.add('rows per hour', DROVER, perHostAndHour(rowWrites, Math.min(fleet.hosts, WATCHED)));
  samples.add('bytes per hour', DROVER, perHostAndHour(after.bytes - before.bytes) / 1_024);
  samples.add('growth per hour', DROVER, perHostAndHour(after.rows - before.rows));
  database.close();
  const api = probeApi(plane);
  await pause(LOOK_MS / 4);
  samples.add('idle api p99', DROVER, p99((await api.end()).times));
}

/** Counts how often the row of a host changes, by looking at some of them about once a second: to look at all would cost more than what is measured. */
async function watchRows(database: LocalClient): Promise<{ end(): Promise<number> }> {
  const some = (await database.execute({ sql: 'SELECT id FROM host ORDER BY random() LIMIT ?', args: [WATCHED] })).rows;
  const ids = JSON.stringify(some.map(({ id }) => id));
  const sql = 'SELECT id, sequence, heard_at_ms AS heard FROM host WHERE id IN (SELECT value FROM json_each(?))';
  let isDone = false;
  let writes = 0;
  async function run(): Promise<void> {
    let before = new Map<string, number>();
    while (!isDone) {
      const { rows } = await database.execute({ sql, args: [ids] });
      const now = new Map(rows.map(({ id, sequence, heard }) => [String(id), Number(sequence) + Number(heard)]));
      for (const [id, value] of before) if (now.get(id) !== value) writes += 1;
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
