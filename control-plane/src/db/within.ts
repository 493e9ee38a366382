import type { Reach, ReachPart } from '@drover/shared/access/reach';
import { type SQL, sql } from 'drizzle-orm';

/** Where a row says what a decision about rights asks of a thing. */
export interface ThingColumns {
  readonly id: SQL;
  readonly hostId: SQL | null;
  readonly pool: SQL | null;
  /** Has it one of these tags, a list in JSON? */
  readonly isTagged: ((tags: SQL) => SQL) | null;
}

/** The same as isWithin (shared/access/reach.ts), as a condition on rows. */
export const within = (reach: Reach, columns: ThingColumns): SQL =>
  sql.join(
    reach.parts.map((part) => sql`(${partCondition(part, reach.below, columns)})`),
    sql` AND `,
  );

function partCondition({ base, exact, gives, denies }: ReachPart, below: string, columns: ThingColumns): SQL {
  const exactly = (verdict: string) => [...exact].filter(([, its]) => its === verdict).map(([path]) => path.slice(below.length + 1));
  const isOther = sql`${columns.id} NOT IN ${list([...exact.keys()].map((path) => path.slice(below.length + 1)))}`;
  const is = (verdict: string, containers: ReadonlySet<string>): SQL => {
    const ways = [
      sql`${columns.id} IN ${list(exactly(verdict))}`,
      ...(base === verdict ? [isOther] : []),
      ...inContainers([...containers], columns),
    ];
    return sql`(${sql.join(ways, sql` OR `)})`;
  };
  return sql`NOT ${is('denies', denies)} AND ${is('gives', gives)}`;
}

function inContainers(paths: readonly string[], { hostId, pool, isTagged }: ThingColumns): SQL[] {
  const among = (start: string) => paths.filter((path) => path.startsWith(start)).map((path) => path.slice(start.length));
  const [hosts, pools, tags] = [among('/nodes/'), among('/pool/'), among('/tag/')];
  return [
    ...(hostId === null || hosts.length === 0 ? [] : [sql`coalesce(${hostId}, '') IN ${list(hosts)}`]),
    ...(pool === null || pools.length === 0 ? [] : [sql`coalesce(${pool}, '') IN ${list(pools)}`]),
    ...(isTagged === null || tags.length === 0 ? [] : [isTagged(list(tags))]),
  ];
}

const list = (values: readonly string[]): SQL => sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`;

const poolOf = (kind: string, id: SQL): SQL => sql`(SELECT m.pool FROM pool_member m WHERE m.kind = ${kind} AND m.id = ${id})`;

/** Of the guest with this number. */
export const guestWithin = (reach: Reach, id: SQL): SQL =>
  sql`EXISTS (SELECT 1 FROM guest_index AS its WHERE its.id = ${id} AND ${within(reach, {
    id: sql`CAST(its.id AS TEXT)`,
    hostId: sql`its.host_id`,
    pool: poolOf('guest', sql`CAST(its.id AS TEXT)`),
    isTagged: (tags) => sql`EXISTS (SELECT 1 FROM guest_tag AS t WHERE t.id = its.id AND t.tag IN ${tags})`,
  })})`;

export const hostWithin = (reach: Reach, id: SQL): SQL => within(reach, { id, hostId: null, pool: null, isTagged: null });

/** Of a row of `resource`, which holds a storage, a network, or an image: that is looked at as a part of its storage. */
export function placedWithin(reach: Reach, kind: 'storage' | 'network' | 'image', row: SQL): SQL {
  const id = kind === 'image' ? sql`coalesce(json_extract(${row}.spec, '$.storageId'), ${row}.id)` : sql`${row}.id`;
  return within(reach, {
    id,
    hostId: sql`${row}.host_id`,
    pool: poolOf(kind === 'image' ? 'storage' : kind, id),
    isTagged: null,
  });
}
