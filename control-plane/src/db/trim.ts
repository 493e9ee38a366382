import { and, eq, inArray, isNotNull, lt, or, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { signInTicket } from './identity-schema.ts';
import * as schema from './schema.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const EVENTS_KEPT = 20_000;
const FINISHED_TASKS_KEPT_MS = 30 * DAY_MS;
const LOG_LINES_PER_TASK = 5_000;

/** Forgets what nobody will ask for again. Never touches a wish, a host, or anything that is not finished. */
export async function trim(db: LibSQLDatabase, nowMs: number): Promise<void> {
  const { event, task, taskLog, link, enrolment, idempotency, token, resourceVersion } = schema;
  const oldTasks = db
    .select({ id: task.id })
    .from(task)
    .where(and(isNotNull(task.finishedAtMs), lt(task.finishedAtMs, nowMs - FINISHED_TASKS_KEPT_MS)))
    .limit(1_000);
  await db.batch([
    db.delete(event).where(sql`${event.cursor} <= (SELECT max(cursor) FROM event) - ${EVENTS_KEPT}`),
    db.delete(taskLog).where(inArray(taskLog.taskId, oldTasks)),
    db.delete(resourceVersion).where(and(eq(resourceVersion.kind, 'task'), inArray(resourceVersion.id, oldTasks))),
    db.delete(task).where(inArray(task.id, oldTasks)),
    db.run(sql`DELETE FROM task_log WHERE cursor IN (
      SELECT cursor FROM (SELECT cursor, row_number() OVER (PARTITION BY task_id ORDER BY cursor DESC) AS age FROM task_log
        WHERE task_id IN (SELECT task_id FROM task_log GROUP BY task_id HAVING count(*) > ${LOG_LINES_PER_TASK})) WHERE age > ${LOG_LINES_PER_TASK})`),
    // A used link of an owner is how we know that an owner has signed in: kept.
    db.delete(link).where(and(lt(link.expiresAtMs, nowMs), sql`${link.usedAtMs} IS NULL`)),
    db.delete(enrolment).where(lt(enrolment.expiresAtMs, nowMs - HOUR_MS)),
    db.delete(idempotency).where(lt(idempotency.atMs, nowMs - DAY_MS)),
    db.delete(signInTicket).where(lt(signInTicket.expiresAtMs, nowMs)),
    db.delete(token).where(or(and(isNotNull(token.expiresAtMs), lt(token.expiresAtMs, nowMs)))),
  ]);
}
