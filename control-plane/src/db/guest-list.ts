import { GuestId } from '@drover/shared/model/id';
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { selectionOf } from './guest-selection.ts';
import { heldOfKind } from './rows.ts';
import * as schema from './schema.ts';
import type { GuestRecord, Reads } from './store.ts';

const { resource, host } = schema;

/** Lists of guests find their ids in narrow tables, and fetch whole rows only for the page that is shown. */
export function guestReads(db: LibSQLDatabase): Pick<Reads, 'guest' | 'guests' | 'usersOfImage'> {
  return {
    async guest(ref) {
      const [record] = await records(db, /^\d+$/.test(ref) ? eq(resource.id, String(Number(ref))) : eq(resource.name, ref));
      return record ?? null;
    },

    async guests(filter) {
      const { ids, total } = selectionOf(filter);
      const found = (await db.all<{ id: number }>(ids)).map(({ id }) => String(id));
      const shown = found.slice(0, filter.limit);
      const byId = new Map((await records(db, inArray(resource.id, shown))).map((record) => [record.guest.id, record]));
      const items = shown.flatMap((id) => byId.get(id) ?? []);
      const isWhole = filter.after === undefined && found.length === shown.length;
      const [count] = isWhole ? [{ total: shown.length }] : await db.all<{ total: number }>(total);
      return { items, next: found.length > shown.length ? (shown.at(-1) ?? null) : null, total: count?.total ?? 0 };
    },

    async usersOfImage(id) {
      const found = await db
        .select({ id: resource.id })
        .from(resource)
        .where(
          and(
            eq(resource.kind, 'guest'),
            sql`${resource.hostId} = (SELECT host_id FROM resource WHERE kind = 'image' AND id = ${id})`,
            sql`instr(${resource.spec}, ${`"${id}"`}) > 0`,
          ),
        );
      return found.map((row) => GuestId.parse(Number(row.id)));
    },
  };
}

async function records(db: LibSQLDatabase, which: SQL): Promise<GuestRecord[]> {
  const found = await db
    .select({
      resource,
      host: { id: host.id, name: host.name, connected: host.connected, heardAtMs: host.heardAtMs },
      imageName: sql<
        string | null
      >`(SELECT name FROM resource i WHERE i.kind = 'image' AND i.id = json_extract(${resource.spec}, '$.disks[0].imageId'))`,
    })
    .from(resource)
    .innerJoin(host, eq(host.id, resource.hostId))
    .where(and(eq(resource.kind, 'guest'), which));
  return found.map((row) => {
    const guest = heldOfKind('guest', row.resource);
    const imageId = guest.spec.disks[0]?.imageId ?? null;
    return { guest, host: row.host, image: imageId === null || row.imageName === null ? null : { id: imageId, name: row.imageName } };
  });
}
