import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';

/** For its owner's eyes, whole or not at all, and durable. */
export function writePrivate(path: string, text: string): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/** Throws Problem when others may read it, too. */
export function readPrivate(path: string): string {
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new Problem('not-allowed', `${path} can be read by others`, {
      suggestion: `chmod 600 ${path}, and ask yourself who has read it`,
    });
  }
  return readFileSync(path, 'utf8');
}
