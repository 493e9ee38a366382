import { GuestId } from '@drover/shared/model/id';
import { sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { selectionOf } from './guest-selection.ts';
import type { Questions } from './questions.ts';
import { heldOfKind, isGuestId } from './rows.ts';
import type { GuestRecord, Reads } from './store.ts';

/** Lists of guests find their ids in narrow tables, and fetch whole rows only for the page that is shown. */
export function guestReads(db: LibSQLDatabase, ask: Questions): Pick<Reads, 'guest' | 'guests' | 'usersOfImages'> {
  return {
    async guest(ref) {
      const [row] = await (isGuestId(ref) ? ask.guestRecordById : ask.guestRecordByName).all({ ref });
      return row ? recordOf(row) : null;
    },

    async guests(filter, reach = null) {
      const { ids, total } = selectionOf(filter, reach);
      const found = (await db.all<{ id: number }>(ids)).map(({ id }) => String(id));
      const shown = found.slice(0, filter.limit);
      const records = new Map(
        (await ask.guestRecordsAmong.all({ list: JSON.stringify(shown) })).map((row) => [row.resource.id, recordOf(row)]),
      );
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

function recordOf(row: Awaited<ReturnType<Questions['guestRecordById']['all']>>[number]): GuestRecord {
  const guest = heldOfKind('guest', row.resource);
  const imageId = guest.spec.disks[0]?.imageId ?? null;
  return { guest, host: row.host, image: imageId === null || row.imageName === null ? null : { id: imageId, name: row.imageName } };
}
