import type { ResourceRef } from '@drover/shared/model/resource';
import { and, asc, eq, gt, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import * as schema from './schema.ts';

const { resource, host, task, idempotency, user, token } = schema;
const value = sql.placeholder;

/** The outbox is this question: what has the host not confirmed to have written down? Nothing to clean, nothing to keep in step. */
const isPending = gt(resource.generation, resource.ackedGeneration);

export type Questions = ReturnType<typeof createQuestions>;

/** What is asked for each report and each request, put together once. */
export function createQuestions(db: LibSQLDatabase) {
  const unfinishedTasks = (where: SQL | undefined) =>
    db
      .select()
      .from(task)
      .where(and(isNull(task.finishedAtMs), where))
      .orderBy(task.createdAtMs, task.id)
      .prepare();
  return {
    host: db
      .select()
      .from(host)
      .where(eq(host.id, value('id')))
      .prepare(),
    hosts: db.select().from(host).orderBy(host.name).prepare(),
    task: db
      .select()
      .from(task)
      .where(eq(task.id, value('id')))
      .prepare(),
    tasksOfHost: unfinishedTasks(eq(task.hostId, value('hostId'))),
    tasksOf: unfinishedTasks(and(eq(task.targetKind, value('kind')), eq(task.targetId, value('id')))),
    resource: db
      .select()
      .from(resource)
      .where(and(eq(resource.kind, value('kind')), eq(resource.id, value('id'))))
      .prepare(),
    guestByName: db
      .select()
      .from(resource)
      .where(and(eq(resource.kind, 'guest'), eq(resource.name, value('name'))))
      .prepare(),
    /** Of `list`, which `listOf` makes. The plus keeps SQLite from going through everything that the host has. */
    resourcesAmong: db
      .select()
      .from(resource)
      .where(
        sql`+${resource.hostId} = ${value('hostId')} AND (${resource.kind}, ${resource.id}) IN
          (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(${value('list')}))`,
      )
      .prepare(),
    resourcesOfHost: db
      .select()
      .from(resource)
      .where(eq(resource.hostId, value('hostId')))
      .prepare(),
    pending: db
      .select()
      .from(resource)
      .where(and(eq(resource.hostId, value('hostId')), isPending))
      .orderBy(asc(resource.createdAtMs))
      .limit(value('limit'))
      .prepare(),
    hostsWithPending: db
      .selectDistinct({ id: resource.hostId })
      .from(resource)
      .innerJoin(host, eq(host.id, resource.hostId))
      .where(and(isPending, eq(host.connected, true)))
      .prepare(),
    silentHosts: db
      .select({ id: host.id })
      .from(host)
      .where(and(eq(host.connected, true), lt(host.heardAtMs, value('beforeMs'))))
      .prepare(),
    overdueTasks: db
      .select({ id: task.id })
      .from(task)
      .where(and(isNull(task.finishedAtMs), isNotNull(task.deadlineAtMs), lt(task.deadlineAtMs, value('nowMs'))))
      .orderBy(asc(task.deadlineAtMs))
      .limit(value('limit'))
      .prepare(),
    caller: db
      .select({ user, token })
      .from(token)
      .innerJoin(user, eq(user.id, token.userId))
      .where(and(eq(token.hash, value('hash')), or(isNull(token.expiresAtMs), gt(token.expiresAtMs, value('nowMs')))))
      .prepare(),
    idempotent: db
      .select()
      .from(idempotency)
      .where(and(eq(idempotency.userId, value('userId')), eq(idempotency.key, value('key'))))
      .prepare(),
  };
}

/** Each of them once. */
export const listOf = (refs: readonly ResourceRef[]): string =>
  JSON.stringify([...new Map(refs.map(({ kind, id }) => [`${kind}/${id}`, [kind, id]])).values()]);
