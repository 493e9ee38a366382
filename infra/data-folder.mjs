/** The one folder that holds what Drover keeps. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from './ending.mjs';

/** Makes it, with the folder of logs in it; ends the process with a plain word where that cannot be. */
export function makeDataFolder(dataPath) {
  const logs = join(dataPath, 'logs');
  try {
    // The root of an unprivileged container is nobody here, and passes through to its files.
    makeFolder(dataPath, 0o711);
    makeFolder(logs, 0o700);
  } catch (error) {
    fail(`The data folder ${dataPath} cannot be written (${error.code}). DROVER_DATA=/some/where puts it elsewhere.`);
  }
  return { dataPath, logs };
}

/** One by one: where the kernel refuses with "no such file", as under /proc, Node's own recursive way tries for ever. */
function makeFolder(path, mode) {
  if (existsSync(path)) return;
  makeFolder(dirname(path), mode);
  mkdirSync(path, { mode });
}
