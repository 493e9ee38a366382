import type { Client, InValue } from '@libsql/client';
import { z } from 'zod';
import { Sealed } from '../vault.ts';
import { SEALED_PLACES, type SealedPlace } from './sealed-places.ts';
import type { SealedStore } from './sealed-store.ts';

export function createSealedStore(client: Client, places: readonly SealedPlace[] = Object.values(SEALED_PLACES)): SealedStore {
  const rows = async (sql: string, ...args: InValue[]) => (await client.execute({ sql, args })).rows.map((row) => ({ ...row }));

  async function columns(): Promise<readonly { readonly table: string; readonly column: string }[]> {
    const found = await rows(
      `SELECT t.name AS "table", c.name AS "column" FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'`,
    );
    return found.map((row) => z.object({ table: z.string(), column: z.string() }).parse(row));
  }

  return {
    async all() {
      const found = await Promise.all(
        places.map(async ({ table, column, id, context }) =>
          // What is empty is no secret.
          (await rows(`SELECT ${id} AS id, ${column} AS sealed FROM ${table} WHERE ${column} <> ''`)).map((row) => {
            const value = z.object({ id: z.string(), sealed: Sealed }).parse(row);
            return { table, context: context(value.id), ...value };
          }),
        ),
      );
      return found.flat();
    },
    async replace({ table, id, sealed }, next) {
      const place = places.find((each) => each.table === table);
      if (!place) return false;
      const sql = `UPDATE ${table} SET ${place.column} = ? WHERE ${place.id} = ? AND ${place.column} = ?`;
      return (await client.execute({ sql, args: [next, id, sealed] })).rowsAffected > 0;
    },
    async columnsUnder(keyId) {
      const held: string[] = [];
      for (const { table, column } of await columns()) {
        const [found] = await rows(`SELECT 1 FROM "${table}" WHERE instr("${column}", ?) > 0 LIMIT 1`, `sealed1.${keyId}.`);
        if (found) held.push(`${table}.${column}`);
      }
      return held;
    },
  };
}
