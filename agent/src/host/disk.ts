import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMissing, readTextIfThere, removeFileDurably, renameDurably, writeFileDurably } from './durable-file.ts';
import { makeFolders } from './folder.ts';

/** The few file operations that the journal needs: a port, so that the simulator can lose what was not synced. All are synchronous. */
export interface Disk {
  /** Names of the files in a folder; empty when there is no such folder. */
  list(folder: string): readonly string[];
  /** Null when there is no such file. */
  read(path: string): string | null;
  /** Whole or not at all, and durable when it returns. Makes the folder. */
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
  read: readTextIfThere,
  writeAtomically(path, text) {
    makeFolders(dirname(path), 0o700);
    writeFileDurably(path, text);
  },
  rename: renameDurably,
  remove: removeFileDurably,
};
