import type { Reach } from '@drover/shared/access/reach';
import type { ListTasks } from '@drover/shared/api/requests';
import type { Page } from '@drover/shared/api/views';
import type { Inventory } from '@drover/shared/model/host';
import type { HostId, TaskId } from '@drover/shared/model/id';
import type { ResourceKind } from '@drover/shared/model/resource';
import { and, asc, count, desc, eq, gt, isNotNull, isNull, max, min, or, type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Held, Host } from '../core/held.ts';
import { among, hostsTagged } from './among.ts';
import { guestReads } from './guest-list.ts';
import { HOST_BESIDE, type Questions } from './questions.ts';
import { heldOfKind, hostOf, taskOf } from './rows.ts';
import * as schema from './schema.ts';
import type { HostRecord, ListByName, Reads, SeesTasks, TaskRecord } from './store.ts';
import { guestWithin, hostWithin, placedWithin } from './within.ts';

const { resource, host, hostHardware, hostInventory, task, taskLog, event, guestCount, resourceVersion } = schema;
const NO_GUESTS = { total: 0, running: 0 } as const;

export function createReads(db: LibSQLDatabase, ask: Questions): Reads {
  return {
    ...guestReads(db, ask),

    async host(ref) {
      const [row] = await db
        .select()
        .from(host)
        .where(or(sql`${host.id} = ${ref}`, eq(host.name, ref)));
      return row ? ((await hostRecords(db, [hostOf(row)]))[0] ?? null) : null;
    },

    async hosts(list, reach = null) {
      const where = and(
        reach === null ? undefined : hostWithin(reach, sql`${host.id}`),
        list.name === undefined ? undefined : eq(host.name, list.name),
        list.tag === undefined ? undefined : sql`${host.id} IN ${hostsTagged(list.tag)}`,
      );
      const found = await db
        .select()
        .from(host)
        .where(and(where, afterName(host.name, host.id, list.after)))
        .orderBy(asc(host.name), asc(host.id))
        .limit(list.limit + 1);
      const records = await hostRecords(db, found.map(hostOf));
      return pageOf(records, list.limit, await total(db, host, where), ({ host: { id, name } }) => `${name}/${id}`);
    },

    async hardware(hostId) {
      const [row] = await db.select({ hardware: hostHardware.hardware }).from(hostHardware).where(eq(hostHardware.hostId, hostId));
      return row?.hardware ?? null;
    },

    async figures(hostId) {
      const [row] = await ask.figures.all({ hostId });
      return row ?? null;
    },

    async placed(kind, id) {
      const [row] = await db
        .select({ resource, host: { id: host.id, name: host.name } })
        .from(resource)
        .innerJoin(host, eq(host.id, resource.hostId))
        .where(and(eq(resource.kind, kind), eq(resource.id, id)));
      return row ? { resource: heldOfKind(kind, row.resource), host: row.host } : null;
    },

    async allPlaced(kind, list, reach = null) {
      const where = and(
        eq(resource.kind, kind),
        reach === null ? undefined : placedWithin(reach, kind, sql`resource`),
        list.name === undefined ? undefined : eq(resource.name, list.name),
        list.host === undefined
          ? undefined
          : sql`${resource.hostId} IN (SELECT id FROM host WHERE id = ${list.host} OR name = ${list.host})`,
      );
      const found = await db
        .select({ resource, host: { id: host.id, name: host.name } })
        .from(resource)
        .innerJoin(host, eq(host.id, resource.hostId))
        .where(and(where, afterName(resource.name, resource.id, list.after)))
        .orderBy(asc(resource.name), asc(resource.id))
        .limit(list.limit + 1);
      const page = pageOf(found, list.limit, await total(db, resource, where), (row) => `${row.resource.name}/${row.resource.id}`);
      return { ...page, items: page.items.map((row) => ({ resource: heldOfKind(kind, row.resource), host: row.host })) };
    },

    async task(id) {
      const [row] = await ask.taskRecord.all({ id });
      return row ? { task: taskOf(row.task), host: row.host } : null;
    },

    async tasksAmong(ids) {
      const found = await ask.taskRecordsAmong.all({ ids: JSON.stringify(ids) });
      return new Map(found.map((row) => [row.task.id, { task: taskOf(row.task), host: row.host }]));
    },

    async tasks(filter, sees = null) {
      const where = and(taskFilter(filter), sees === null ? undefined : seesTask(sees));
      const found = await db
        .select({ task, host: HOST_BESIDE })
        .from(task)
        .leftJoin(host, eq(host.id, task.hostId))
        .where(and(where, beforeTask(filter.after)))
        .orderBy(desc(task.createdAtMs), desc(task.id))
        .limit(filter.limit + 1);
      const records = found.map((row): TaskRecord => ({ task: taskOf(row.task), host: row.host }));
      return pageOf(records, filter.limit, await total(db, task, where), (record) => `${record.task.createdAtMs}/${record.task.id}`);
    },

    taskLog: (id: TaskId, after, limit) =>
      db
        .select({ cursor: taskLog.cursor, atMs: taskLog.atMs, line: taskLog.line })
        .from(taskLog)
        .where(and(eq(taskLog.taskId, id), gt(taskLog.cursor, after)))
        .orderBy(asc(taskLog.cursor))
        .limit(limit),

    events: (after, limit) => ask.events.all({ after, limit }),

    async eventRange() {
      // Two questions: asked for both at once SQLite reads the whole table.
      const [newest] = await db.select({ cursor: max(event.cursor) }).from(event);
      const [oldest] = await db.select({ cursor: min(event.cursor) }).from(event);
      return { oldest: oldest?.cursor ?? 0, newest: newest?.cursor ?? 0 };
    },
  };
}

export function pageOf<T>(found: readonly T[], limit: number, total: number, cursorOf: (item: T) => string): Page<T> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? cursorOf(last) : null, total };
}

export function afterName(name: SQLiteColumn, id: SQLiteColumn, after: ListByName['after']): SQL | undefined {
  if (after === undefined) return undefined;
  const slash = after.indexOf('/');
  return sql`(${name}, ${id}) > (${after.slice(0, slash)}, ${after.slice(slash + 1)})`;
}

function taskFilter(filter: ListTasks): SQL | undefined {
  return and(
    filter.state === 'active' ? isNull(task.finishedAtMs) : filter.state === 'finished' ? isNotNull(task.finishedAtMs) : undefined,
    filter.kind === undefined ? undefined : eq(task.targetKind, filter.kind),
    filter.target === undefined ? undefined : eq(isId(filter.target) ? task.targetId : task.targetName, filter.target),
  );
}

function seesTask({ begunBy, guests, hosts, storages, networks }: SeesTasks): SQL {
  const placed = (kind: 'storage' | 'network' | 'image', reach: Reach) =>
    sql`EXISTS (SELECT 1 FROM resource AS its WHERE its.kind = ${kind} AND its.id = ${task.targetId} AND ${placedWithin(reach, kind, sql`its`)})`;
  const about = (kind: ResourceKind, seen: SQL | null): SQL =>
    sql`(${task.targetKind} = ${kind}${seen === null ? sql`` : sql` AND ${seen}`})`;
  return sql`(${sql.join(
    [
      eq(task.createdBy, begunBy),
      about('guest', guests && guestWithin(guests, sql`CAST(${task.targetId} AS INTEGER)`)),
      about('host', hosts && hostWithin(hosts, sql`${task.targetId}`)),
      about('storage', storages && placed('storage', storages)),
      about('image', storages && placed('image', storages)),
      about('network', networks && placed('network', networks)),
    ],
    sql` OR `,
  )})`;
}

/** No name looks like one (shared/model/id.ts). */
const isId = (ref: string): boolean => /^\d+$|_/.test(ref);

function beforeTask(after: string | undefined): SQL | undefined {
  if (after === undefined) return undefined;
  const slash = after.indexOf('/');
  return sql`(${task.createdAtMs}, ${task.id}) < (${Number(after.slice(0, slash))}, ${after.slice(slash + 1)})`;
}

async function total(db: LibSQLDatabase, table: typeof host | typeof resource | typeof task, where: SQL | undefined): Promise<number> {
  const [row] = await db.select({ total: count() }).from(table).where(where);
  return row?.total ?? 0;
}

async function hostRecords(db: LibSQLDatabase, hosts: readonly Host[]): Promise<HostRecord[]> {
  const ids = hosts.map(({ id }) => id);
  const inventories = await inventoriesOf(db, ids);
  const counts = await guestCounts(db, ids);
  const pending = await oldestPending(db, ids);
  const settings = await settingsOf(db, ids);
  return hosts.map((each) => ({
    host: each,
    inventory: inventories.get(each.id) ?? null,
    settings: settings.get(each.id) ?? null,
    guests: counts.get(each.id) ?? NO_GUESTS,
    pendingSinceMs: pending.get(each.id) ?? null,
  }));
}

export async function inventoriesOf(db: LibSQLDatabase, hostIds: readonly HostId[]): Promise<ReadonlyMap<HostId, Inventory>> {
  const found = await db
    .select()
    .from(hostInventory)
    .where(sql`${hostInventory.hostId} IN ${among(hostIds)}`);
  return new Map(found.map(({ hostId, inventory }) => [hostId, inventory]));
}

export async function settingsOf(db: LibSQLDatabase, hostIds: readonly HostId[]): Promise<ReadonlyMap<string, Held<'host'>>> {
  const found = await db
    .select()
    .from(resource)
    .where(and(eq(resource.kind, 'host'), sql`${resource.id} IN ${among(hostIds)}`));
  return new Map(found.map((row) => [row.id, heldOfKind('host', row)]));
}

/** Of each host the wish that has waited longest to be journalled there. */
async function oldestPending(db: LibSQLDatabase, hostIds: readonly HostId[]): Promise<ReadonlyMap<HostId, number>> {
  const found = await db
    .select({ hostId: resource.hostId, sinceMs: min(resourceVersion.atMs) })
    .from(resource)
    .innerJoin(
      resourceVersion,
      and(
        eq(resourceVersion.kind, resource.kind),
        eq(resourceVersion.id, resource.id),
        eq(resourceVersion.generation, resource.generation),
      ),
    )
    .where(and(sql`${resource.hostId} IN ${among(hostIds)}`, gt(resource.generation, resource.ackedGeneration)))
    .groupBy(resource.hostId);
  return new Map(found.flatMap(({ hostId, sinceMs }) => (sinceMs === null ? [] : [[hostId, sinceMs] as const])));
}

async function guestCounts(db: LibSQLDatabase, hostIds: readonly HostId[]): Promise<ReadonlyMap<HostId, HostRecord['guests']>> {
  const found = await db
    .select({
      hostId: guestCount.hostId,
      total: sql<number>`sum(${guestCount.guests})`,
      running: sql<number>`sum(${guestCount.guests}) FILTER (WHERE ${guestCount.observedPower} = 'running')`,
    })
    .from(guestCount)
    .where(sql`${guestCount.hostId} IN ${among(hostIds)}`)
    .groupBy(guestCount.hostId);
  return new Map(found.map((row) => [row.hostId, { total: row.total, running: row.running ?? 0 }]));
}
