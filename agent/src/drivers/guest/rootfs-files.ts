import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Problem } from '@drover/shared/lib/problem';

/** Who owns files in the root file system: root as the container knows it. */
export interface RootfsOwner {
  readonly uid: number;
  readonly gid: number;
}

const FILE_BYTES_MAX = 2 ** 20;
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/**
 * Files in a folder tree that a guest may change at any moment, also while we are in it. Each step goes from one open folder to the next
 * without following links, so nothing a guest puts there leads out of its tree.
 */
export class RootfsFiles {
  private readonly root: string;
  private readonly owner: RootfsOwner;

  constructor(root: string, owner: RootfsOwner) {
    this.root = root;
    this.owner = owner;
  }

  /** Text of a plain file; null when there is none, or when something else stands in its place. */
  read(folder: readonly string[], name: string): string | null {
    return this.within(folder, (handle) => {
      let file: number;
      try {
        // Opening what turns out to be a pipe must not wait for a writer.
        file = openSync(`${handle}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      } catch {
        // Missing, or a link: not a file that we read.
        return null;
      }
      try {
        const stat = fstatSync(file);
        return stat.isFile() && stat.size <= FILE_BYTES_MAX ? readFileSync(file, 'utf8') : null;
      } finally {
        closeSync(file);
      }
    });
  }

  /** Puts a file in place of whatever has its name, a link included. */
  write(folder: readonly string[], name: string, text: string, mode: number): void {
    this.within(folder, (handle) => {
      const temporary = `${handle}/.drover-${name}`;
      rmSync(temporary, { force: true });
      const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        // Not writeSync, which on a full disk writes a part and calls it success.
        writeFileSync(file, text);
        fchownSync(file, this.owner.uid, this.owner.gid);
        fchmodSync(file, mode);
        renameSync(temporary, `${handle}/${name}`);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      } finally {
        closeSync(file);
      }
    });
  }

  /** Makes a folder unless something has its name already. */
  makeFolder(folder: readonly string[], name: string, mode: number): void {
    this.within(folder, (handle) => {
      try {
        mkdirSync(`${handle}/${name}`, { mode: 0o700 });
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
        throw error;
      }
      const made = openSync(`${handle}/${name}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      try {
        fchownSync(made, this.owner.uid, this.owner.gid);
        fchmodSync(made, mode);
      } finally {
        closeSync(made);
      }
    });
  }

  /** Calls `work` with a path to the open folder: /proc/self/fd/N stands for exactly that folder, wherever a guest moves it. */
  private within<T>(folder: readonly string[], work: (handle: string) => T): T {
    let handle = openSync(this.root, O_RDONLY | O_DIRECTORY);
    try {
      for (const name of folder) {
        const next = this.step(handle, name, folder);
        closeSync(handle);
        handle = next;
      }
      return work(`/proc/self/fd/${handle}`);
    } finally {
      closeSync(handle);
    }
  }

  private step(handle: number, name: string, folder: readonly string[]): number {
    try {
      return openSync(`/proc/self/fd/${handle}/${name}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } catch (cause) {
      throw new Problem('unsupported', `/${folder.join('/')} in the container's root file system is not a plain folder`, {
        cause,
        suggestion: 'use an image that is a whole root file system',
      });
    }
  }
}
