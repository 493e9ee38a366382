import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The few file operations that the journal needs: a port, so that the simulator can lose what was not synced. All are synchronous. */
export interface Disk {
  /** Names of the files in a folder; empty when there is no such folder. */
  list(folder: string): readonly string[];
  /** Null when there is no such file. */
  read(path: string): string | null;
  /** Whole or not at all, and durable when it returns: temporary file, fsync, rename, fsync of the folder. */
  writeAtomically(path: string, text: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

export const realDisk: Disk = {
  list(folder) {
    try {
      return readdirSync(folder).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  writeAtomically(path, text) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const temporary = `${path}.tmp`;
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  },
  rename(from, to) {
    renameSync(from, to);
    syncFolder(dirname(to));
  },
  remove(path) {
    rmSync(path, { force: true });
    syncFolder(dirname(path));
  },
};

function syncFolder(folder: string): void {
  const handle = openSync(join(folder), 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
