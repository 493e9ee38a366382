import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/libsql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aTask, HOST_ID } from '../../../test/control-plane/held.ts';
import { asked } from './asked.ts';
import { LocalClient } from './local-client.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';
import { taskRowOf } from './rows.ts';
import * as schema from './schema.ts';

const { host, hostInventory, task } = schema;
const client = new LocalClient(':memory:', 0);
const db = drizzle(client, { casing: 'snake_case' });
const HOST = `('${HOST_ID}', 'h1', '{"kty":"OKP"}', 'main', '{"os":"Debian"}', 1)`;

beforeAll(async () => {
  await migrate(client, MIGRATIONS.slice(0, 7));
  await client.execute(`INSERT INTO host (id, name, public_key, cell, inventory, enrolled_at_ms) VALUES ${HOST}`);
  await migrate(client);
  await db.insert(task).values(taskRowOf(aTask({ hostId: HOST_ID })));
  await db.insert(task).values(taskRowOf({ ...aTask(), id: 'task_0000000002' as never, hostId: null, problem: null }));
});
afterAll(() => client.close());

it('a question is answered as Drizzle answers it: columns of every sort, expressions, what was joined and what was not there to join', async () => {
  const query = db
    .select({ task, host: { id: host.id, connected: host.connected, key: host.publicKey }, more: sql<string>`'é' || ${task.id}` })
    .from(task)
    .leftJoin(host, eq(host.id, task.hostId))
    .where(eq(task.state, sql.placeholder('state')))
    .orderBy(task.id)
    .limit(sql.placeholder('limit'));
  const values = { state: 'queued', limit: 5 };
  const answer = await asked(client, query).all(values);
  expect(answer).toEqual(await query.prepare().all(values));
  expect(answer.map((row) => row.host)).toEqual([null, { id: HOST_ID, connected: false, key: { kty: 'OKP' } }]);
});

it('an inventory that was part of its host’s row is found apart from it', async () => {
  expect(await asked(client, db.select().from(hostInventory)).all()).toEqual([{ hostId: HOST_ID, inventory: { os: 'Debian' } }]);
});
