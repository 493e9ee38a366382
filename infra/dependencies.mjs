/** Are the npm packages that package-lock.json names in node_modules? If not, `npm ci` brings them. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const ROOT = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
export const NODE_MINIMUM = '20.19.0';

/** A sentence when this Node is too old, else null. */
export function nodeTooOld(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = NODE_MINIMUM.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return null;
  return (
    `Drover needs Node.js ${wantedMajor}.${wantedMinor} or newer; this is ${version} (${process.execPath}).\n` +
    'Debian 13 has it: apt install nodejs npm. On Debian 12: npm install --global node@22, or take it from https://nodejs.org.'
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
    if (entry.optional || entry.link || !path.includes('node_modules/')) continue;
    // Some stand in a folder of ours, below which nobody else finds them.
    if (installed[path]?.version !== entry.version || !existsSync(join(root, path))) return path.split('node_modules/').at(-1);
  }
  return null;
}

/** A sentence when this user may not make or change one of `paths`, else null: a clone is built by whoever owns it. */
export function cannotWrite(...paths) {
  const closed = paths.find((path) => !mayWrite(path));
  if (!closed) return null;
  return `This user may not write ${closed}. Do it as the user who owns this folder, or make it yours: sudo chown -R $USER ${ROOT}`;
}

/** What is not there yet is made in what is above it. */
function mayWrite(path) {
  if (!existsSync(path)) return mayWrite(dirname(path));
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs `npm ci` when something is missing; its output goes through. Ends the process when npm fails. */
export function ensureDependencies() {
  if (!missingDependency()) return;
  const closed = cannotWrite(ROOT, join(ROOT, 'node_modules'));
  if (closed) {
    console.error(`npm packages are missing. ${closed}`);
    process.exit(1);
  }
  const release = takeTurn(join(ROOT, '.cache/npm-ci'));
  try {
    // Whoever had the turn before may have brought it.
    const missing = missingDependency();
    if (!missing) return;
    console.log(`Installing npm packages (${missing} is missing): npm ci`);
    // Building needs the development packages, whatever NODE_ENV says.
    const { status, error } = spawnSync('npm', ['ci', '--include=dev'], { cwd: ROOT, stdio: 'inherit' });
    if (status === 0) return;
    console.error(
      `npm ci failed${error ? `: ${error.message}` : ''}. Drover needs its npm packages; run it again when the npm registry can be reached.`,
    );
  } finally {
    release();
  }
  process.exit(1);
}

const LOOK_AGAIN_MS = 500;

/** Two `npm ci` at once would leave node_modules in pieces: one waits for the other. A turn that a killed process left is taken over. */
function takeTurn(path) {
  mkdirSync(join(path, '..'), { recursive: true });
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    while (!isTaken(mine, path)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(path, { force: true });
}

/** A link is made whole or not at all, with the process's number in it from the first moment. */
function isTaken(mine, path) {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isAlive(Number(readFileSync(path, { encoding: 'utf8', flag: 'a+' })))) rmSync(path, { force: true });
    return false;
  }
}

/** Is there a process of this number? */
export function isAlive(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}
