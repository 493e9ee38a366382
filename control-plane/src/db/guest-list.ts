import { GuestId } from '@drover/shared/model/id';
import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { selectionOf } from './guest-selection.ts';
import { heldOfKind } from './rows.ts';
import * as schema from './schema.ts';
import type { GuestRecord, Reads } from './store.ts';

const { resource, host } = schema;

/** Lists of guests find their ids in narrow tables, and fetch whole rows only for the page that is shown. */
export function guestReads(db: LibSQLDatabase): Pick<Reads, 'guest' | 'guests' | 'usersOfImages'> {
  // Put together once: who looks at guests does so all the time.
  const [byId, byName, among] = [
    recordsWhere(db, eq(resource.id, sql.placeholder('ref'))),
    recordsWhere(db, eq(resource.name, sql.placeholder('ref'))),
    recordsWhere(db, sql`${resource.id} IN (SELECT value FROM json_each(${sql.placeholder('list')}))`),
  ];

  return {
    async guest(ref) {
      const [row] = await (/^\d+$/.test(ref) ? byId : byName).all({ ref });
      return row ? recordOf(row) : null;
    },

    async guests(filter) {
      const { ids, total } = selectionOf(filter);
      const found = (await db.all<{ id: number }>(ids)).map(({ id }) => String(id));
      const shown = found.slice(0, filter.limit);
      const records = new Map((await among.all({ list: JSON.stringify(shown) })).map((row) => [row.resource.id, recordOf(row)]));
      const items = shown.flatMap((id) => records.get(id) ?? []);
      const isWhole = filter.after === undefined && found.length === shown.length;
      const [count] = isWhole ? [{ total: shown.length }] : await db.all<{ total: number }>(total);
      return { items, next: found.length > shown.length ? (shown.at(-1) ?? null) : null, total: count?.total ?? 0 };
    },

    async usersOfImages(ids) {
      const found = await db.all<{ image: string; guest: string }>(sql`
        SELECT image.id AS image, guest.id AS guest FROM json_each(${JSON.stringify(ids)}) AS asked
          CROSS JOIN resource AS image ON image.kind = 'image' AND image.id = asked.value
          CROSS JOIN resource AS guest ON guest.host_id = image.host_id AND guest.kind = 'guest' AND instr(guest.spec, '"' || image.id || '"') > 0`);
      const users = new Map<string, GuestId[]>(ids.map((id) => [id, []]));
      for (const { image, guest } of found) users.get(image)?.push(GuestId.parse(Number(guest)));
      return users;
    },
  };
}

function recordsWhere(db: LibSQLDatabase, which: SQL) {
  return db
    .select({
      resource,
      host: { id: host.id, name: host.name, connected: host.connected, heardAtMs: host.heardAtMs },
      imageName: sql<
        string | null
      >`(SELECT name FROM resource i WHERE i.kind = 'image' AND i.id = json_extract(${resource.spec}, '$.disks[0].imageId'))`,
    })
    .from(resource)
    .innerJoin(host, eq(host.id, resource.hostId))
    .where(and(eq(resource.kind, 'guest'), which))
    .prepare();
}

function recordOf(row: Awaited<ReturnType<ReturnType<typeof recordsWhere>['all']>>[number]): GuestRecord {
  const guest = heldOfKind('guest', row.resource);
  const imageId = guest.spec.disks[0]?.imageId ?? null;
  return { guest, host: row.host, image: imageId === null || row.imageName === null ? null : { id: imageId, name: row.imageName } };
}
