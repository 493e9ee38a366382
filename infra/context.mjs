/** Where this user's command line finds the local control plane: the file that cli/src/contexts.ts reads. */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export function contextsPath(env = process.env) {
  return env.DROVER_CONFIG || join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'drover', 'contexts.json');
}

/** Adds or renews one context; it becomes the current one only when there is none. */
export function writeContext(name, { url, token }, path = contextsPath()) {
  let file = { current: name, contexts: {} };
  try {
    const read = JSON.parse(readFileSync(path, 'utf8'));
    if (read && typeof read.contexts === 'object') file = read;
  } catch {
    // None yet, or not readable as JSON: begun anew.
  }
  if (!file.contexts[file.current]) file.current = name;
  file.contexts[name] = { url, token };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
  return path;
}
