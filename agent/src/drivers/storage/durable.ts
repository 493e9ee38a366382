import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing } from '../../host/durable-file.ts';
import { codeOf } from '../../host/file-problem.ts';
import { run } from '../../host/shell.ts';
import { tethered } from './shifted.ts';

async function fsync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
export const syncFile = fsync;
/** A rename counts only once its folder is on the disk. */
export const syncFolder = fsync;

/** Everything in a tree, at once, by syncing its file system. */
export async function syncTree(path: string, signal?: AbortSignal): Promise<void> {
  await run('sync', ['--file-system', path], signal ? { signal } : {});
}

/** Writes a small file into a folder that nobody looks into yet, without making the agent wait: a storage may be slow or far away. */
export async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes a small file whole or not at all. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const fresh = `${path}.new`;
  await writeSynced(fresh, text, mode);
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

/** Publishes a folder that is whole by then; what was in its place must be gone. */
export async function publishFolder(from: string, to: string): Promise<void> {
  await syncFolder(from);
  await rename(from, to);
  await syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from));
}

/** Removes a tree at the speed of rm, never crossing into something mounted in it. Mostly there is none, which is seen without starting a program. */
export async function removeTree(path: string, signal?: AbortSignal): Promise<void> {
  if (!(await isThere(path))) return;
  const [program, args] = tethered('rm', ['-rf', '--one-file-system', '--', path]);
  await run(program, args, signal ? { signal } : {});
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}

export async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode }).catch((cause: unknown) => {
    if (codeOf(cause) !== 'EEXIST') throw cause;
  });
}

/** Names in a folder; none when it does not exist. */
export async function namesIn(path: string): Promise<readonly string[]> {
  return readdir(path).catch((cause: unknown) => {
    if (isMissing(cause)) return [];
    throw cause;
  });
}

/** Takes a thing away at once by renaming it; the slow removal comes after, and again by the next try if this one is killed. */
export async function discard(path: string, trash: string, signal?: AbortSignal): Promise<void> {
  await removeTree(trash, signal);
  await rename(path, trash).catch((cause: unknown) => {
    if (!isMissing(cause)) throw cause;
  });
  await syncFolder(dirname(path)).catch((cause: unknown) => {
    if (!isMissing(cause)) throw cause;
  });
  await removeTree(trash, signal);
}

/** Removes an empty folder; false when there is something in it. */
export async function removeIfEmpty(path: string): Promise<boolean> {
  if ((await namesIn(path)).length > 0) return false;
  await rm(path, { recursive: true, force: true });
  return true;
}
