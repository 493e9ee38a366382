import type { Client, InValue } from '@libsql/client';
import { LocalClient } from '../../control-plane/src/db/local-client.ts';
import { storeOn } from '../../control-plane/src/db/open.ts';
import type { Store } from '../../control-plane/src/db/store.ts';

interface TableRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly InValue[])[];
}

/** The real store on a database in memory, which can be backed up and put back as it was. */
export class Database {
  private constructor(
    private readonly client: Client,
    readonly store: Store,
  ) {}

  static async create(now: () => number): Promise<Database> {
    const client = new LocalClient(':memory:', 0);
    return new Database(client, await storeOn(client, now));
  }

  async snapshot(): Promise<readonly TableRows[]> {
    const tables = await this.client.execute(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'guest_search%' AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence') ORDER BY name",
    );
    const rows: TableRows[] = [];
    for (const { name } of tables.rows) {
      const { columns, rows: found } = await this.client.execute(`SELECT * FROM ${String(name)}`);
      rows.push({ table: String(name), columns, rows: found.map((row) => columns.map((column) => row[column] ?? null)) });
    }
    return rows;
  }

  async restore(tables: readonly TableRows[]): Promise<void> {
    // The triggers of guest_index keep the search table in step.
    const statements = tables.flatMap(({ table, columns, rows }) => [
      { sql: `DELETE FROM ${table}`, args: [] },
      ...rows.map((row) => ({
        sql: `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
        args: [...row],
      })),
    ]);
    await this.client.batch(statements, 'write');
  }

  close(): void {
    this.store.close();
  }
}
