import { GuestStatus } from '@drover/shared/model/guest';
import type { HostId } from '@drover/shared/model/id';
import type { Client } from '@libsql/client';
import type { Change, EventWrite, FiguresWrite, HostUpdate, ObservationWrite, TaskUpdate, WishWrite } from '../core/change.ts';
import { auditStatement } from './audit-write.ts';
import { rightsStatements } from './commit-rights.ts';
import { guestIndexOf, nameOfSpec, taskRowOf, variantOfSpec, wordsOf } from './rows.ts';
import * as schema from './schema.ts';
import { guard, insert, remove, type Statement, update } from './statement.ts';
import type { CommitOutcome } from './store.ts';

/** Everything that a change writes, in one batch: first the version rows, which a concurrent writer of the same resource violates. */
export async function commitChange(client: Client, change: Change): Promise<CommitOutcome> {
  const statements = statementsOf(change);
  if (statements.length === 0) return { committed: true };
  try {
    await client.batch(statements, 'write');
    return { committed: true };
  } catch (error) {
    const conflict = conflictOf(error);
    if (conflict === null) throw error;
    return { committed: false, conflict };
  }
}

function statementsOf(change: Change): Statement[] {
  const { by, atMs, wishes = [] } = change;
  const events = unique(change.events ?? []);
  return [
    ...wishes.map(({ kind, id, generation, spec, deletion }) =>
      insert(schema.resourceVersion, { kind, id, generation, spec, deletion, byUser: by, atMs }),
    ),
    // Only ever upwards, and never of a thing that went meanwhile.
    ...wishes
      .filter(({ generation }) => generation > 1)
      .map(({ kind, id, generation }) => guard(schema.resource, 'kind = ? AND id = ? AND generation < ?', kind, id, generation)),
    ...(change.restsOn ?? []).map(({ kind, id, generation }) =>
      guard(schema.resource, 'kind = ? AND id = ? AND generation = ?', kind, id, generation),
    ),
    // While it can still be said where they were.
    ...events.filter(({ gone }) => gone).map((event) => goneStatement(event, atMs)),
    ...(change.removals ?? []).flatMap(({ kind, id }) => removal(kind, id)),
    ...wishes.flatMap((wish) => wishStatements(wish, atMs)),
    ...(change.observations ?? []).flatMap(observationStatements),
    ...(change.newTasks ?? []).map((task) => insert(schema.task, taskRowOf(task))),
    ...(change.taskUpdates ?? []).map(taskUpdate),
    ...(change.newHosts ?? []).map((row) =>
      insert(schema.host, { ...row, boot: 0, sequence: 0, connected: false, asOfMs: 0, orphans: [], enrolledAtMs: atMs }),
    ),
    ...(change.heard ?? []).map(({ id, after, ...set }) => update(schema.host, set, { id, ...after })),
    ...(change.figures ?? []).map(figuresStatement),
    ...(change.hosts ?? []).flatMap(hostUpdate),
    ...(change.renamedHosts ?? []).map(({ id, name }) => update(schema.host, { name }, { id })),
    ...(change.forgottenHosts ?? []).flatMap((id) => [
      rememberForgotten(id, by, atMs),
      remove(schema.host, { id }),
      ...[schema.hostInventory, schema.hostHardware, schema.hostFigures].map((table) => remove(table, { hostId: id })),
    ]),
    ...(change.usedEnrolments ?? []).flatMap(({ tokenHash, hostId }) => [
      guard(schema.enrolment, 'token_hash = ? AND used_by_host_id IS NULL', tokenHash),
      update(schema.enrolment, { usedByHostId: hostId }, { tokenHash }),
    ]),
    ...(change.log ?? []).map((line) => insert(schema.taskLog, line)),
    ...(change.rights ?? []).flatMap(rightsStatements),
    ...(change.audit ?? []).map(auditStatement),
    ...events.filter(({ gone }) => !gone).map((event) => insert(schema.event, { ...event, atMs })),
    ...(change.idempotency === undefined ? [] : [insert(schema.idempotency, { ...change.idempotency, atMs })]),
  ];
}

/** One change tells of each thing once, as it is afterwards. */
const unique = (events: readonly EventWrite[]): EventWrite[] => [...new Map(events.map((event) => [keyOf(event), event])).values()];
const keyOf = ({ kind, id }: EventWrite): string => `${kind}/${id}`;

/** With where the thing was, as core/things.ts has it: who saw it by its host, its pool or its tag learns that it is gone. */
const goneStatement = ({ kind, id }: EventWrite, atMs: number): Statement => ({
  sql: `INSERT INTO event (kind, id, gone, at_ms, was) VALUES (?, ?, 1, ?, (
    SELECT json_object('hostId', r.host_id, 'storageId', json_extract(r.spec, '$.storageId'),
      'pool', (SELECT m.pool FROM pool_member m WHERE m.kind = CASE r.kind WHEN 'image' THEN 'storage' ELSE r.kind END
        AND m.id = CASE r.kind WHEN 'image' THEN json_extract(r.spec, '$.storageId') ELSE r.id END),
      'tags', json(CASE r.kind WHEN 'guest' THEN json_extract(r.spec, '$.tags') ELSE '[]' END))
    FROM resource r WHERE r.kind = ? AND r.id = ? AND r.kind IN ('guest', 'image', 'storage', 'network')))`,
  args: [kind, id, atMs, kind, id],
});

function wishStatements(wish: WishWrite, atMs: number): Statement[] {
  const { kind, id, hostId, generation, spec, deletion } = wish;
  const named = { name: nameOfSpec(wish), variant: variantOfSpec(wish) };
  const statements = [
    generation === 1
      ? insert(schema.resource, {
          ...{ kind, id, hostId, generation, ackedGeneration: 0, appliedGeneration: 0 },
          ...{ ...named, spec, deletion, createdAtMs: atMs },
        })
      : update(schema.resource, { hostId, generation, ...named, spec, deletion }, { kind, id }),
  ];
  if (wish.kind === 'guest') {
    const row = guestIndexOf(wish);
    statements.push(
      insert(schema.guestIndex, { ...row, observedPower: 'unknown' }, REPLACING_WISHES),
      insert(schema.guestText, { id: row.id, words: wordsOf(wish), addresses: '' }, REPLACING_WORDS),
    );
    if (generation === 1) statements.push(raiseGuestCounter(row.id));
  }
  return statements;
}

/** What was observed stays as it is. */
const REPLACING_WISHES = replacing('guest_index', ['host_id', 'type', 'name', 'wished_power', 'memory_bytes', 'tags']);
const REPLACING_WORDS = replacing('guest_text', ['words']);

/** A row that is as before is not written, nor are the entries of its indexes. */
function replacing(table: string, names: readonly string[]): string {
  const [set, before, after] = [
    names.map((name) => `${name} = excluded.${name}`),
    names.map((name) => `${table}.${name}`),
    names.map((name) => `excluded.${name}`),
  ];
  return ` ON CONFLICT (id) DO UPDATE SET ${set.join(', ')} WHERE (${before.join(', ')}) IS NOT (${after.join(', ')})`;
}

const raiseGuestCounter = (id: number): Statement => ({
  sql: "UPDATE counter SET value = ? WHERE name = 'guest' AND value <= ?",
  args: [id + 1, id],
});

function observationStatements({ kind, id, ackedGeneration, appliedGeneration, status }: ObservationWrite): Statement[] {
  const statement = update(schema.resource, { ackedGeneration, appliedGeneration, status }, { kind, id });
  if (kind !== 'guest') return [statement];
  const observed = GuestStatus.safeParse(status?.observed);
  const power = observed.success ? observed.data.power : 'unknown';
  const addresses = observed.success ? observed.data.addresses.join(' ') : '';
  return [
    statement,
    { sql: 'UPDATE guest_index SET observed_power = ? WHERE id = ? AND observed_power <> ?', args: [power, Number(id), power] },
    { sql: 'UPDATE guest_text SET addresses = ? WHERE id = ? AND addresses <> ?', args: [addresses, Number(id), addresses] },
  ];
}

function removal(kind: WishWrite['kind'], id: string): Statement[] {
  const row = remove(schema.resource, { kind, id });
  return kind === 'guest' ? [row, ...[schema.guestIndex, schema.guestText].map((table) => remove(table, { id: Number(id) }))] : [row];
}

const taskUpdate = ({ id, ...set }: TaskUpdate): Statement => update(schema.task, set, { id, finishedAtMs: null });

/** Not of a host that was forgotten meanwhile, nor over newer ones. */
const figuresStatement = ({ hostId, atMs, figures }: FiguresWrite): Statement => ({
  sql: `INSERT INTO host_figures (host_id, at_ms, figures) SELECT id, ?, ? FROM host WHERE id = ?
    ON CONFLICT (host_id) DO UPDATE SET at_ms = excluded.at_ms, figures = excluded.figures WHERE excluded.at_ms > host_figures.at_ms`,
  args: [atMs, JSON.stringify(figures), hostId],
});

function hostUpdate({ id, after, inventory, hardware, ...set }: HostUpdate): Statement[] {
  const isNext = after ? [guard(schema.host, 'id = ? AND boot = ? AND sequence = ?', id, after.boot, after.sequence)] : [];
  const known =
    inventory === undefined
      ? []
      : [insert(schema.hostInventory, { hostId: id, inventory }, ' ON CONFLICT (host_id) DO UPDATE SET inventory = excluded.inventory')];
  const made =
    hardware === undefined
      ? []
      : [
          insert(
            schema.hostHardware,
            { hostId: id, digest: hardware.digest, hardware },
            ' ON CONFLICT (host_id) DO UPDATE SET digest = excluded.digest, hardware = excluded.hardware',
          ),
        ];
  const said = Object.keys(set).length > 0 ? [update(schema.host, set, { id })] : [];
  return [...isNext, ...said, ...known, ...made];
}

/** Its key never comes in again. */
const rememberForgotten = (id: HostId, by: string, atMs: number): Statement => ({
  sql: `INSERT OR IGNORE INTO forgotten_host (id, public_key, name, by_user, at_ms)
    SELECT id, json_extract(public_key, '$.x'), name, ?, ? FROM host WHERE id = ?`,
  args: [by, atMs, id],
});

/** The constraint that a concurrent writer ran into, in SQLite's words; null when the error is something else. */
export function conflictOf(error: unknown): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const match = /(UNIQUE|CHECK|PRIMARY KEY) constraint failed: .*/.exec(cause.message);
    if (match) return match[0];
  }
  return null;
}
