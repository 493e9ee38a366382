import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface WriteFileOptions {
  readonly mode?: number;
  /** False: all or nothing still, but a power cut may bring the old content back. */
  readonly flush?: boolean;
}

/** Replaces a small file whole: after a crash at any moment, and on a full disk, either the old content is there or the new one. */
export function writeFileDurably(path: string, text: string, options: WriteFileOptions = {}): void {
  const { mode = 0o600, flush = true } = options;
  const temporary = `${path}.new`;
  try {
    // Not writeSync, which on a full disk writes a part and calls it success.
    writeFileSync(temporary, text, { mode });
    if (flush) publishFile(temporary, path);
    else renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Puts a file in its place that was written by others: after a crash either nothing is there or all of it. */
export function publishFile(from: string, to: string): void {
  flushPath(from);
  renameDurably(from, to);
}

/** Gives a file another name, so that it stays so. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  flushPath(dirname(to));
}

/** Removes a file so that it stays removed; done if it is not there. */
export function removeFileDurably(path: string): void {
  rmSync(`${path}.new`, { force: true });
  rmSync(path, { force: true });
  try {
    flushPath(dirname(path));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** The text of a file, or null where there is none. */
export function readTextIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Reads a file and parses it, again only when it was replaced: for the files of many unchanged guests, which are looked at often. Null where there is none. */
export function createParsedFiles<T>(): (path: string, parse: () => T) => T | null {
  const known = new Map<string, { readonly mark: string; readonly value: T }>();
  return (path, parse) => {
    const mark = fileMark(path);
    if (mark === null) {
      known.delete(path);
      return null;
    }
    const before = known.get(path);
    if (before?.mark === mark) return before.value;
    const value = parse();
    known.set(path, { mark, value });
    return value;
  };
}

/** A text that changes whenever the file is replaced (a rename brings a new inode) or edited; null where there is none. */
function fileMark(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.ino}/${stat.mtimeMs}/${stat.size}`;
}

/** Was the error that a file, or a folder on the way to it, does not exist? */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** A file, or the names in a folder. */
function flushPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
