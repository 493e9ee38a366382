import type { ListGuests } from '@drover/shared/api/requests';
import { GuestId } from '@drover/shared/model/id';
import { and, asc, count, eq, gt, inArray, type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { heldOfKind } from './rows.ts';
import * as schema from './schema.ts';
import type { GuestRecord, Reads } from './store.ts';

const { resource, host, guestIndex } = schema;

/** Lists of guests filter and page on the narrow guest_index, and fetch whole rows only for the page that is shown. */
export function guestReads(db: LibSQLDatabase): Pick<Reads, 'guest' | 'guests' | 'usersOfImage'> {
  return {
    async guest(ref) {
      const [record] = await records(db, [/^\d+$/.test(ref) ? eq(guestIndex.id, Number(ref)) : eq(guestIndex.name, ref)], 1);
      return record ?? null;
    },

    async guests(filter) {
      const where = guestFilter(filter);
      const after = filter.after === undefined ? undefined : gt(guestIndex.id, Number(filter.after) || 0);
      const found = await records(db, after ? [...where, after] : where, filter.limit + 1);
      const [row] = await db
        .select({ total: count() })
        .from(guestIndex)
        .where(and(...where));
      const items = found.slice(0, filter.limit);
      return { items, next: found.length > filter.limit ? (items.at(-1)?.guest.id ?? null) : null, total: row?.total ?? 0 };
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

async function records(db: LibSQLDatabase, where: readonly SQL[], limit: number): Promise<GuestRecord[]> {
  const page = await db
    .select({ id: guestIndex.id })
    .from(guestIndex)
    .where(and(...where))
    .orderBy(asc(guestIndex.id))
    .limit(limit);
  if (page.length === 0) return [];
  // Asked by their ids as they are stored: a join by a computed one would read every guest there is.
  const ids = page.map(({ id }) => String(id));
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
    .where(and(eq(resource.kind, 'guest'), inArray(resource.id, ids)));
  const byId = new Map(found.map((row) => [row.resource.id, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    if (!row) return [];
    const guest = heldOfKind('guest', row.resource);
    const imageId = guest.spec.disks[0]?.imageId ?? null;
    const image = imageId === null || row.imageName === null ? null : { id: imageId, name: row.imageName };
    return [{ guest, host: row.host, image }];
  });
}

function guestFilter(filter: ListGuests): SQL[] {
  const words = (filter.search ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const clauses = [
    filter.name === undefined ? undefined : eq(guestIndex.name, filter.name),
    filter.type === undefined ? undefined : eq(guestIndex.type, filter.type),
    // With a host named, its own index narrows most: the plus keeps the one of states out of it.
    filter.state === undefined
      ? undefined
      : filter.host === undefined
        ? eq(guestIndex.observedPower, filter.state)
        : sql`+${guestIndex.observedPower} = ${filter.state}`,
    filter.tag === undefined ? undefined : sql`instr(${guestIndex.tags}, ${` ${filter.tag} `}) > 0`,
    filter.host === undefined
      ? undefined
      : sql`${guestIndex.hostId} IN (SELECT id FROM host WHERE id = ${filter.host} OR name = ${filter.host})`,
    trigrams([...words, ...(filter.tag === undefined ? [] : [filter.tag])]),
    ...words
      .filter((word) => [...word].length < 3)
      .map((word) => sql`instr(${guestIndex.words} || ' ' || ${guestIndex.addresses}, ${word}) > 0`),
  ];
  return clauses.filter((clause) => clause !== undefined);
}

/** Words of three letters and more are found by the trigram index, wherever they stand. */
function trigrams(words: readonly string[]): SQL | undefined {
  const long = words.filter((word) => [...word].length >= 3);
  if (long.length === 0) return undefined;
  const match = long.map((word) => `"${word.replaceAll('"', '""')}"`).join(' AND ');
  return sql`${guestIndex.id} IN (SELECT rowid FROM guest_search WHERE guest_search MATCH ${match})`;
}
