import { type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import type { ThingKind, Whereabouts } from '../core/things.ts';
import { isGuestId } from './rows.ts';

/** What somebody may have meant by an id or a name, and where it is. */
export interface FoundThing {
  readonly id: string;
  readonly name: string;
  readonly where: Whereabouts;
}

/** Of images, storages and networks several hosts may have one of that name. */
export type FindThings = (kind: ThingKind, ref: string) => Promise<readonly FoundThing[]>;

interface Row {
  readonly id: string;
  readonly name: string;
  readonly hostId: string | null;
  readonly pool: string | null;
  readonly tags: string;
  readonly storageId: string | null;
}

export function thingFinder(db: LibSQLDatabase): FindThings {
  return async (kind, ref) => {
    const rows = await db.all<Row>(questionFor(kind, ref));
    return rows.map(({ id, name, hostId, pool, tags, storageId }) => ({
      id,
      name,
      where: { hostId, pool, tags: tags.split(' ').filter(Boolean), storageId },
    }));
  };
}

const AMBIGUOUS_MAX = 100;

function questionFor(kind: ThingKind, ref: string): SQL {
  switch (kind) {
    case 'guest':
      return sql`SELECT CAST(g.id AS TEXT) AS id, g.name AS name, g.host_id AS hostId, m.pool AS pool, g.tags AS tags, NULL AS storageId
        FROM guest_index g LEFT JOIN pool_member m ON m.kind = 'guest' AND m.id = CAST(g.id AS TEXT)
        WHERE ${isGuestId(ref) ? sql`g.id = ${Number(ref)}` : sql`g.name = ${ref}`}`;
    case 'host':
      return sql`SELECT id, name, NULL AS hostId, NULL AS pool, '' AS tags, NULL AS storageId FROM host WHERE id = ${ref} OR name = ${ref}`;
    case 'pool':
      return sql`SELECT path AS id, path AS name, NULL AS hostId, NULL AS pool, '' AS tags, NULL AS storageId FROM pool WHERE path = ${ref}`;
    default:
      return sql`SELECT r.id AS id, r.name AS name, r.host_id AS hostId, m.pool AS pool, '' AS tags, json_extract(r.spec, '$.storageId') AS storageId
        FROM resource r LEFT JOIN pool_member m
          ON m.kind = ${kind === 'image' ? 'storage' : kind} AND m.id = ${kind === 'image' ? sql`json_extract(r.spec, '$.storageId')` : sql`r.id`}
        WHERE r.kind = ${kind} AND (r.id = ${ref} OR r.name = ${ref}) LIMIT ${AMBIGUOUS_MAX}`;
  }
}
