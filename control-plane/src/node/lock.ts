import { pathToFileURL } from 'node:url';
import { Problem } from '@drover/shared/lib/problem';
import { createClient } from '@libsql/client';

/** One process per data folder. It is SQLite's own lock on a file of its own: the kernel lets go of it whenever the process ends, however that happens. */
export async function lockFolder(folder: string): Promise<() => void> {
  const client = createClient({ url: pathToFileURL(`${folder}/lock`).href, concurrency: 1, timeout: 0 });
  try {
    const held = await client.transaction('write');
    return () => {
      held.close();
      client.close();
    };
  } catch (cause) {
    client.close();
    if (cause instanceof Error && /SQLITE_BUSY|database is locked/.test(`${cause.message}`)) {
      throw new Problem('busy', `the data folder ${folder} is in use: another control plane runs on it`, {
        suggestion: 'end that one first, or set DROVER_DATA to another folder',
        cause,
      });
    }
    throw cause;
  }
}
