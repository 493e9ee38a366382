import { sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import type { PoolRoom } from '../core/quotas.ts';

interface Row {
  readonly path: string;
  readonly quota: string;
  readonly version: number;
  readonly guests: number;
  readonly cores: number | null;
  readonly memoryBytes: number | null;
  readonly diskBytes: number | null;
}

/** The pool, and those that it is inside of, with what all guests in them come to. Null: there is no such pool. */
export async function poolRooms(db: LibSQLDatabase, path: string): Promise<readonly PoolRoom[] | null> {
  const around = path.split('/').map((_part, at, parts) => parts.slice(0, at + 1).join('/'));
  const rows = await db.all<Row>(sql`
    SELECT p.path, p.quota, p.version, count(r.id) AS guests,
      sum(json_extract(r.spec, '$.cores')) AS cores, sum(json_extract(r.spec, '$.memoryBytes')) AS memoryBytes,
      sum((SELECT sum(json_extract(value, '$.sizeBytes')) FROM json_each(r.spec, '$.disks'))) AS diskBytes
    FROM pool p
      LEFT JOIN pool_member m ON m.kind = 'guest' AND (m.pool = p.path OR substr(m.pool, 1, length(p.path) + 1) = p.path || '/')
      LEFT JOIN resource r ON r.kind = 'guest' AND r.id = m.id
    WHERE p.path IN (SELECT value FROM json_each(${JSON.stringify(around)}))
    GROUP BY p.path ORDER BY p.path`);
  if (!rows.some((row) => row.path === path)) return null;
  return rows.map(({ path: its, quota, version, guests, cores, memoryBytes, diskBytes }) => ({
    path: its,
    // Sound: only what was parsed as one is written there.
    quota: JSON.parse(quota) as PoolRoom['quota'],
    version,
    used: { guests, cores: cores ?? 0, memoryBytes: memoryBytes ?? 0, diskBytes: diskBytes ?? 0 },
  }));
}

/** Of the pool that a guest is in; none: it is in none. */
export async function roomsOfGuest(db: LibSQLDatabase, id: string): Promise<readonly PoolRoom[]> {
  const [member] = await db.all<{ pool: string }>(sql`SELECT pool FROM pool_member WHERE kind = 'guest' AND id = ${id}`);
  return member ? ((await poolRooms(db, member.pool)) ?? []) : [];
}
