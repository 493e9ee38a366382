import type { Disk } from '../../agent/src/host/disk.ts';
import type { Life } from './life.ts';

/** What of a host's file system the journal sees. Survives the agent and the host; `full` while nothing can be written. */
export interface DiskState {
  readonly files: Map<string, string>;
  full: boolean;
  /** What a power cut undoes: nothing, unless somebody writes without syncing. */
  readonly unflushed: { readonly path: string; readonly text: string | null; readonly atMs: number }[];
}

export const emptyDisk = (): DiskState => ({ files: new Map(), full: false, unflushed: [] });

/**
 * The file system as one life of an agent sees it. What was written atomically is durable when the call returns; a crash
 * in the middle leaves a torn temporary file beside the old content. A dead agent reads and writes nothing.
 */
export function createSimulatedDisk(state: DiskState, life: Life, written: (path: string, text: string) => void = () => {}): Disk {
  const { files } = state;
  return {
    list(folder) {
      if (!life.isAlive) return [];
      const prefix = `${folder}/`;
      return [...files.keys()]
        .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
        .map((path) => path.slice(prefix.length))
        .sort();
    },
    read: (path) => (life.isAlive ? (files.get(path) ?? null) : null),
    writeAtomically(path, text) {
      if (!life.isAlive) return;
      const temporary = `${path}.tmp`;
      if (state.full) {
        files.set(temporary, '');
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      }
      life.point(`write ${path}, before`);
      if (!life.isAlive) return;
      files.set(temporary, text.slice(0, Math.floor(text.length / 2)));
      life.point(`write ${path}, torn`);
      if (!life.isAlive) return;
      files.delete(temporary);
      files.set(path, text);
      written(path, text);
      life.point(`write ${path}, after`);
    },
    rename(from, to) {
      if (!life.isAlive) return;
      const text = files.get(from);
      if (text === undefined) throw new Error(`ENOENT: ${from}`);
      files.delete(from);
      files.set(to, text);
    },
    remove(path) {
      if (!life.isAlive) return;
      life.point(`remove ${path}, before`);
      if (!life.isAlive) return;
      files.delete(path);
      life.point(`remove ${path}, after`);
    },
  };
}
