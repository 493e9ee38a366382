/** Are the npm packages that package-lock.json names in node_modules? If not, `npm ci` brings them. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
export const NODE_MINIMUM = '20.19.0';

/** A sentence when this Node is too old, else null. */
export function nodeTooOld(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = NODE_MINIMUM.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return null;
  return (
    `Drover needs Node.js ${wantedMajor}.${wantedMinor} or newer; this is ${version} (${process.execPath}).\n` +
    'Debian 13 has it: apt install nodejs npm. On Debian 12 take it from trixie, or from https://nodejs.org (see docs/install.md).'
  );
}

/** What is missing, in words; null when node_modules holds what the lock file says. Content decides, not times: npm writes the two in no fixed order. */
export function missingDependency(root = ROOT) {
  let installed;
  try {
    installed = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8')).packages;
  } catch {
    return 'node_modules';
  }
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional packages are other platforms' binaries.
    if (path === '' || entry.optional || !path.startsWith('node_modules/')) continue;
    const there = installed[path];
    if (!there || there.version !== entry.version) return path.slice('node_modules/'.length);
  }
  return null;
}

/** Runs `npm ci` when something is missing; its output goes through. Ends the process when npm fails. */
export function ensureDependencies() {
  const missing = missingDependency();
  if (!missing) return;
  console.log(`Installing npm packages (${missing} is missing): npm ci`);
  const { status, error } = spawnSync('npm', ['ci'], { cwd: ROOT, stdio: 'inherit' });
  if (status === 0) return;
  console.error(
    `npm ci failed${error ? `: ${error.message}` : ''}. Drover needs its npm packages; run it again when the npm registry can be reached.`,
  );
  process.exit(1);
}
