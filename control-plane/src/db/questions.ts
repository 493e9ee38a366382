import type { ResourceRef } from '@drover/shared/model/resource';
import type { Client } from '@libsql/client';
import { and, asc, eq, gt, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { among } from './among.ts';
import { asked, type Query, type Question } from './asked.ts';
import * as schema from './schema.ts';

const { counter, resource, host, hostFigures, hostHardware, task, event, idempotency, user, token } = schema;
const value = sql.placeholder;

/** What is told of the host of a guest or task beside it. */
export const HOST_BESIDE = { id: host.id, name: host.name, connected: host.connected, heardAtMs: host.heardAtMs };
const IMAGE_NAME = sql<
  string | null
>`(SELECT name FROM resource i WHERE i.kind = 'image' AND i.id = json_extract(${resource.spec}, '$.disks[0].imageId'))`;

/** The outbox is this question: what has the host not confirmed to have written down? Nothing to clean, nothing to keep in step. */
const isPending = gt(resource.generation, resource.ackedGeneration);
/** Of each host of `ids` the first `limit`. */
const OLDEST_PENDING = sql`SELECT pending.rowid FROM json_each(${value('ids')}) CROSS JOIN resource AS pending ON pending.rowid IN
  (SELECT rowid FROM resource AS its WHERE its.host_id = json_each.value AND its.generation > its.acked_generation
    ORDER BY its.created_at_ms LIMIT ${value('limit')})`;

export type Questions = ReturnType<typeof createQuestions>;

/** What is asked for each report and each request, put together once. */
export function createQuestions(db: LibSQLDatabase, client: Client) {
  const ask = <T>(query: Query<T>): Question<T> => asked(client, query);
  const unfinishedTasks = (where: SQL | undefined) =>
    ask(
      db
        .select()
        .from(task)
        .where(and(isNull(task.finishedAtMs), where))
        .orderBy(task.createdAtMs, task.id),
    );
  const taskRecords = (which: SQL) =>
    ask(db.select({ task, host: HOST_BESIDE }).from(task).leftJoin(host, eq(host.id, task.hostId)).where(which));
  const guestRecords = (which: SQL) =>
    ask(
      db
        .select({ resource, host: HOST_BESIDE, imageName: IMAGE_NAME })
        .from(resource)
        .innerJoin(host, eq(host.id, resource.hostId))
        .where(and(eq(resource.kind, 'guest'), which)),
    );
  return {
    host: ask(
      db
        .select()
        .from(host)
        .where(eq(host.id, value('id'))),
    ),
    task: ask(
      db
        .select()
        .from(task)
        .where(eq(task.id, value('id'))),
    ),
    tasksOfHost: unfinishedTasks(eq(task.hostId, value('hostId'))),
    tasksOfHosts: unfinishedTasks(sql`${task.hostId} IN ${among(value('ids'))}`),
    tasksOf: unfinishedTasks(and(eq(task.targetKind, value('kind')), eq(task.targetId, value('id')))),
    taskRecord: taskRecords(eq(task.id, value('id'))),
    resource: ask(
      db
        .select()
        .from(resource)
        .where(and(eq(resource.kind, value('kind')), eq(resource.id, value('id')))),
    ),
    guestByName: ask(
      db
        .select()
        .from(resource)
        .where(and(eq(resource.kind, 'guest'), eq(resource.name, value('name')))),
    ),
    /** Of `ids` and `names`, lists in JSON. */
    guestsAmong: ask(
      db
        .select()
        .from(resource)
        .where(
          sql`${resource.kind} = 'guest' AND (${resource.id} IN ${among(value('ids'))} OR ${resource.name} IN ${among(value('names'))})`,
        ),
    ),
    hostsAmong: ask(
      db
        .select()
        .from(host)
        .where(sql`${host.id} IN ${among(value('ids'))}`),
    ),
    tasksOfGuests: unfinishedTasks(sql`${task.targetKind} = 'guest' AND ${task.targetId} IN ${among(value('ids'))}`),
    taskRecordsAmong: taskRecords(sql`${task.id} IN ${among(value('ids'))}`),
    guestRecordById: guestRecords(eq(resource.id, value('ref'))),
    guestRecordByName: guestRecords(eq(resource.name, value('ref'))),
    guestRecordsAmong: guestRecords(sql`${resource.id} IN ${among(value('list'))}`),
    /** Of `list`, which `listOf` makes. */
    resourcesAmong: ask(
      db
        .select()
        .from(resource)
        .where(
          sql`(${resource.kind}, ${resource.id}) IN
          (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(${value('list')}))`,
        ),
    ),
    resourcesOfHost: ask(
      db
        .select()
        .from(resource)
        .where(eq(resource.hostId, value('hostId'))),
    ),
    hardwareDigest: ask(
      db
        .select({ digest: hostHardware.digest })
        .from(hostHardware)
        .where(eq(hostHardware.hostId, value('hostId'))),
    ),
    figures: ask(
      db
        .select()
        .from(hostFigures)
        .where(eq(hostFigures.hostId, value('hostId'))),
    ),
    /** What a command to a host needs to know of it. */
    linksAmong: ask(
      db
        .select({ id: host.id, cell: host.cell, connected: host.connected, asOfMs: host.asOfMs })
        .from(host)
        .where(sql`${host.id} IN ${among(value('ids'))}`),
    ),
    pendingAmong: ask(db.select().from(resource).where(sql`${resource}.rowid IN (${OLDEST_PENDING})`).orderBy(asc(resource.createdAtMs))),
    hostsWithPending: ask(
      db
        .selectDistinct({ id: resource.hostId })
        .from(resource)
        .innerJoin(host, eq(host.id, resource.hostId))
        .where(and(isPending, eq(host.connected, true))),
    ),
    silentHosts: ask(
      db
        .select({ id: host.id })
        .from(host)
        .where(and(eq(host.connected, true), lt(host.heardAtMs, value('beforeMs')))),
    ),
    overdueTasks: ask(
      db
        .select({ id: task.id })
        .from(task)
        .where(and(isNull(task.finishedAtMs), isNotNull(task.deadlineAtMs), lt(task.deadlineAtMs, value('nowMs'))))
        .orderBy(asc(task.deadlineAtMs))
        .limit(value('limit')),
    ),
    events: ask(
      db
        .select({ cursor: event.cursor, kind: event.kind, id: event.id, gone: event.gone, was: event.was })
        .from(event)
        .where(gt(event.cursor, value('after')))
        .orderBy(asc(event.cursor))
        .limit(value('limit')),
    ),
    caller: ask(
      db
        .select({ user, token })
        .from(token)
        .innerJoin(user, eq(user.id, token.userId))
        .where(
          and(
            eq(token.hash, value('hash')),
            or(isNull(token.expiresAtMs), gt(token.expiresAtMs, value('nowMs'))),
            or(isNull(token.idleMs), sql`coalesce(${token.lastUsedAtMs}, ${token.createdAtMs}) + ${token.idleMs} > ${value('nowMs')}`),
            isNull(user.disabledAtMs),
          ),
        ),
    ),
    /** Rises with each change of rights. */
    accessVersion: ask(db.select({ value: counter.value }).from(counter).where(sql`${counter.name} = 'access'`)),
    idempotent: ask(
      db
        .select()
        .from(idempotency)
        .where(and(eq(idempotency.userId, value('userId')), eq(idempotency.key, value('key')))),
    ),
  };
}

/** Each of them once. */
export const listOf = (refs: readonly ResourceRef[]): string =>
  JSON.stringify([...new Map(refs.map(({ kind, id }) => [`${kind}/${id}`, [kind, id]])).values()]);
