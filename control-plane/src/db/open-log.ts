import { closeSync, fdatasync, openSync } from 'node:fs';
import type { WriteAheadLog } from './local-client.ts';

/** The log that SQLite writes beside the database at `path`; flushed to disk by the thread pool, while this thread goes on. */
export function openLog(path: string): WriteAheadLog {
  const file = openSync(`${path}-wal`, 'r');
  return { flush: (done) => fdatasync(file, done), close: () => closeSync(file) };
}
