/** `npm run dev`: control plane that restarts on change, page with hot reload, three simulated hosts; without root. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { bundleOptions } from './build.mjs';
import { makeDataFolder } from './data-folder.mjs';
import { ensureDependencies, nodeTooOld, ROOT } from './dependencies.mjs';
import { endOnSignals, fail } from './ending.mjs';
import { WITH_PARENT } from './keep.mjs';

const tooOld = nodeTooOld();
if (tooOld) fail(tooOld);
ensureDependencies();

const { context } = await import('esbuild');
const { writeContext } = await import('./context.mjs');
const { dataPath } = makeDataFolder(resolve(process.env.DROVER_DATA || join(ROOT, '.cache/dev')));
const port = process.env.DROVER_PORT || '8421';
const url = `http://localhost:${port}`;
const pagePort = await freePortFrom(5173);

const children = new Map();
let isEnding = false;

const outfile = 'control-plane/dist/dev.js';
const watched = await context({
  ...bundleOptions,
  entryPoints: ['control-plane/src/main.ts'],
  outfile,
  sourcemap: 'inline',
  plugins: [{ name: 'restart', setup: (build) => build.onEnd(({ errors }) => (errors.length > 0 ? tell(errors) : restartControlPlane())) }],
});
endOnSignals([{ stop, kill }], 'Ending …');
await watched.watch();
begin('page', [join(ROOT, 'node_modules/vite/bin/vite.js'), '--clearScreen', 'false', '--port', String(pagePort), '--strictPort'], {
  cwd: join(ROOT, 'web'),
});
const token = await ownerToken();
writeContext('dev', { url, token });
begin('hosts', ['infra/run.mjs', 'test/simulation/dev-host.ts', '--url', url, '--token', token, '--hosts', '3'], {
  env: { DROVER_DATA: dataPath },
});

const link = readTrimmed(join(dataPath, 'control-plane/sign-in-link'));
const page = `http://localhost:${pagePort}`;
console.log(`\nControl plane ${url}, page ${page}${link ? `, sign in: ${page}/sign-in${new URL(link).hash}` : ''}`);
console.log('Command line: npx drover --context dev guest list\n');

async function restartControlPlane() {
  if (isEnding) return;
  const old = children.get('control plane');
  if (old) {
    old.isReplaced = true;
    old.kill('SIGTERM');
    await new Promise((resolve) => old.once('close', resolve));
  }
  begin('control plane', ['--enable-source-maps', outfile], { env: { DROVER_DATA: dataPath, DROVER_PORT: port, DROVER_PUBLIC_URL: '' } });
}

function begin(name, args, { cwd = ROOT, env = {} } = {}) {
  const child = spawn(process.execPath, ['--import', WITH_PARENT, ...args], {
    cwd,
    env: { ...process.env, DROVER_PORT: port, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  children.set(name, child);
  child.once('close', (code) => {
    if (children.get(name) === child) children.delete(name);
    if (!isEnding && !child.isReplaced)
      console.log(`${name} ended with ${code}${name === 'control plane' ? '; the next change starts it again' : ''}`);
  });
}

async function stop() {
  isEnding = true;
  await watched.dispose();
  await Promise.all(
    [...children.values()].map(
      (child) =>
        new Promise((resolve) => {
          child.once('close', resolve);
          child.kill('SIGTERM');
        }),
    ),
  );
  return true;
}

function kill() {
  for (const child of children.values()) child.kill('SIGKILL');
}

/** The page's usual port, or the next that no other program has. */
async function freePortFrom(port) {
  const isFree = await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, 'localhost', () => server.close(() => resolve(true)));
  });
  return isFree ? port : freePortFrom(port + 1);
}

async function ownerToken() {
  const path = join(dataPath, 'control-plane/local-token');
  for (;;) {
    const found = readTrimmed(path);
    const answered = found && (await fetch(`${url}/api/v1/session`, { headers: { authorization: `Bearer ${found}` } }).catch(() => null));
    if (answered?.ok) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function readTrimmed(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function tell(errors) {
  for (const { text, location } of errors) console.log(`${location ? `${location.file}:${location.line}: ` : ''}${text}`);
}
