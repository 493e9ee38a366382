import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';

/**
 * Makes a folder, and those above it that are missing, with exactly this mode. One by one: where the kernel refuses with "no such file", as
 * under /proc, Node's own recursive way tries for ever.
 */
export function makeFolders(path: string, mode: number): void {
  try {
    makeMissing(path, mode);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Problem('not-allowed', `the folder ${path} cannot be made: ${reason}`, { cause, suggestion: 'choose another place for it' });
  }
}

/** For what runs with the host: others than root, like a DNS server that gave up its rights and the root of a container, pass through to what is theirs. */
export function makeRunFolders(path: string): void {
  makeFolders(path, 0o711);
  chmodSync(path, 0o711);
}

function makeMissing(path: string, mode: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  makeMissing(dirname(path), mode);
  mkdirSync(path);
  // Whatever umask the agent was started with.
  chmodSync(path, mode);
}
