import { Problem } from '@drover/shared/lib/problem';
import type { Client } from '@libsql/client';
import { MIGRATIONS } from './migrations/all.ts';

/** Brings the database to the newest schema. Each migration and its version number are one batch: a crash leaves it done or not begun. */
export async function migrate(client: Client, migrations: readonly string[] = MIGRATIONS): Promise<void> {
  const result = await client.execute('PRAGMA user_version');
  const version = Number(result.rows[0]?.user_version ?? 0);
  if (version > migrations.length) {
    throw new Problem(
      'unsupported',
      `the database was written by a newer Drover (schema ${version}, this one knows ${migrations.length})`,
      {
        suggestion: 'start the newer version, or restore a backup that this one wrote',
      },
    );
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    await client.batch([...sql.split(/^--$/m), `PRAGMA user_version = ${index + 1}`], 'write');
  }
}
