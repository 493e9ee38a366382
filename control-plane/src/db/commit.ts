import { GuestStatus } from '@drover/shared/model/guest';
import { and, eq, isNull, ne, or, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import type { Change, EventWrite, ObservationWrite, WishWrite } from '../core/change.ts';
import { guestIndexOf, nameOfSpec, taskRowOf, variantOfSpec } from './rows.ts';
import * as schema from './schema.ts';
import type { CommitOutcome } from './store.ts';

type Statement = BatchItem<'sqlite'>;

/** Everything that a change writes, in one batch: first the version rows, which a concurrent writer of the same resource violates. */
export async function commitChange(db: LibSQLDatabase, change: Change): Promise<CommitOutcome> {
  const statements = statementsOf(db, change);
  const [first, ...rest] = statements;
  if (!first) return { committed: true };
  try {
    await db.batch([first, ...rest]);
    return { committed: true };
  } catch (error) {
    const conflict = conflictOf(error);
    if (conflict === null) throw error;
    return { committed: false, conflict };
  }
}

function statementsOf(db: LibSQLDatabase, change: Change): Statement[] {
  const { by, atMs } = change;
  const wishes = change.wishes ?? [];
  return [
    ...wishes.map(({ kind, id, generation, spec, deletion }) =>
      db.insert(schema.resourceVersion).values({ kind, id, generation, spec, deletion, byUser: by, atMs }),
    ),
    // Only ever upwards, and never of a thing that went meanwhile.
    ...wishes
      .filter(({ generation }) => generation > 1)
      .map(({ kind, id, generation }) =>
        db.run(
          sql`INSERT INTO guard SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM resource WHERE kind = ${kind} AND id = ${id} AND generation < ${generation})`,
        ),
      ),
    ...(change.restsOn ?? []).map(({ kind, id, generation }) =>
      db.run(
        sql`INSERT INTO guard SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM resource WHERE kind = ${kind} AND id = ${id} AND generation = ${generation})`,
      ),
    ),
    ...(change.removals ?? []).flatMap((ref) => removal(db, ref.kind, ref.id)),
    ...wishes.flatMap((wish) => wishStatements(db, wish, atMs)),
    ...(change.observations ?? []).flatMap((observation) => observationStatements(db, observation)),
    ...(change.newTasks ?? []).map((task) => db.insert(schema.task).values(taskRowOf(task))),
    ...(change.taskUpdates ?? []).map(({ id, ...update }) =>
      db
        .update(schema.task)
        .set(update)
        .where(and(eq(schema.task.id, id), isNull(schema.task.finishedAtMs))),
    ),
    ...hostStatements(db, change),
    ...(change.guestIdTaken === undefined ? [] : [raiseGuestCounter(db, change.guestIdTaken)]),
    ...rows(change.log, (log) => db.insert(schema.taskLog).values([...log])),
    ...rows(change.events, (events) => db.insert(schema.event).values(unique(events).map((event) => ({ ...event, atMs })))),
    ...(change.idempotency === undefined ? [] : [db.insert(schema.idempotency).values({ ...change.idempotency, atMs })]),
  ];
}

/** One change tells of each thing once, as it is afterwards. */
const unique = (events: readonly EventWrite[]): EventWrite[] => [...new Map(events.map((event) => [keyOf(event), event])).values()];
const keyOf = ({ kind, id }: EventWrite): string => `${kind}/${id}`;

const rows = <T>(list: readonly T[] | undefined, statement: (list: readonly T[]) => Statement): Statement[] =>
  list && list.length > 0 ? [statement(list)] : [];

function wishStatements(db: LibSQLDatabase, wish: WishWrite, atMs: number): Statement[] {
  const { kind, id, hostId, generation, spec, deletion } = wish;
  const named = { name: nameOfSpec(wish), variant: variantOfSpec(wish) };
  const statements: Statement[] = [
    generation === 1
      ? db
          .insert(schema.resource)
          .values({ kind, id, hostId, generation, ackedGeneration: 0, appliedGeneration: 0, ...named, spec, deletion, createdAtMs: atMs })
      : db
          .update(schema.resource)
          .set({ generation, ...named, spec, deletion })
          .where(and(eq(schema.resource.kind, kind), eq(schema.resource.id, id))),
  ];
  if (wish.kind === 'guest') {
    const row = guestIndexOf(wish);
    statements.push(
      db
        .insert(schema.guestIndex)
        .values({ ...row, observedPower: 'unknown', addresses: '' })
        .onConflictDoUpdate({ target: schema.guestIndex.id, set: row }),
    );
    if (generation === 1) statements.push(raiseGuestCounter(db, row.id));
  }
  return statements;
}

/** A host may say that it has any guest: a leap that no restored backup explains would use up the fleet's numbers. */
const GUEST_IDS_LEAP_MAX = 100_000;

const raiseGuestCounter = (db: LibSQLDatabase, id: number): Statement =>
  db.run(sql`UPDATE counter SET value = ${id + 1} WHERE name = 'guest' AND value <= ${id} AND value + ${GUEST_IDS_LEAP_MAX} > ${id}`);

function observationStatements(db: LibSQLDatabase, observation: ObservationWrite): Statement[] {
  const { kind, id, ackedGeneration, appliedGeneration, status } = observation;
  const statements: Statement[] = [
    db
      .update(schema.resource)
      .set({ ackedGeneration, appliedGeneration, status })
      .where(and(eq(schema.resource.kind, kind), eq(schema.resource.id, id))),
  ];
  if (kind === 'guest') {
    const observed = GuestStatus.safeParse(status?.observed);
    const observedPower = observed.success ? observed.data.power : 'unknown';
    const addresses = observed.success ? observed.data.addresses.join(' ') : '';
    const { guestIndex } = schema;
    statements.push(
      db
        .update(guestIndex)
        .set({ observedPower, addresses })
        .where(and(eq(guestIndex.id, Number(id)), or(ne(guestIndex.observedPower, observedPower), ne(guestIndex.addresses, addresses)))),
    );
  }
  return statements;
}

function removal(db: LibSQLDatabase, kind: WishWrite['kind'], id: string): Statement[] {
  const row = db.delete(schema.resource).where(and(eq(schema.resource.kind, kind), eq(schema.resource.id, id)));
  return kind === 'guest' ? [row, db.delete(schema.guestIndex).where(eq(schema.guestIndex.id, Number(id)))] : [row];
}

function hostStatements(db: LibSQLDatabase, change: Change): Statement[] {
  return [
    ...(change.newHosts ?? []).map((row) =>
      db.insert(schema.host).values({ ...row, boot: 0, sequence: 0, connected: false, asOfMs: 0, orphans: [], enrolledAtMs: change.atMs }),
    ),
    ...(change.hosts ?? []).flatMap(({ id, after, ...update }) => [
      ...(after
        ? [
            db.run(
              sql`INSERT INTO guard SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM host WHERE id = ${id} AND boot = ${after.boot} AND sequence = ${after.sequence})`,
            ),
          ]
        : []),
      db.update(schema.host).set(update).where(eq(schema.host.id, id)),
    ]),
    ...(change.renamedHosts ?? []).map(({ id, name }) => db.update(schema.host).set({ name }).where(eq(schema.host.id, id))),
    ...(change.forgottenHosts ?? []).map((id) => db.delete(schema.host).where(eq(schema.host.id, id))),
    ...(change.usedEnrolments ?? []).flatMap(({ tokenHash, hostId }) => [
      db.run(
        sql`INSERT INTO guard SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM enrolment WHERE token_hash = ${tokenHash} AND used_by_host_id IS NULL)`,
      ),
      db.update(schema.enrolment).set({ usedByHostId: hostId }).where(eq(schema.enrolment.tokenHash, tokenHash)),
    ]),
  ];
}

/** The constraint that a concurrent writer ran into, in SQLite's words; null when the error is something else. */
export function conflictOf(error: unknown): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const match = /(UNIQUE|CHECK|PRIMARY KEY) constraint failed: .*/.exec(cause.message);
    if (match) return match[0];
  }
  return null;
}
