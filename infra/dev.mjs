/** `npm run dev`: control plane that restarts on change, page with hot reload, three simulated hosts; without root. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleOptions } from './build.mjs';
import { ensureDependencies, nodeTooOld, ROOT } from './dependencies.mjs';

const tooOld = nodeTooOld();
if (tooOld) {
  console.error(tooOld);
  process.exit(1);
}
ensureDependencies();

const { context } = await import('esbuild');
const { writeContext } = await import('./context.mjs');
const dataPath = process.env.DROVER_DATA || join(ROOT, '.cache/dev');
const port = process.env.DROVER_PORT || '8421';
const url = `http://localhost:${port}`;
const simulated = 'test/simulation/dev-host.ts';
mkdirSync(dataPath, { recursive: true });

const children = new Map();
/** npm passes Ctrl-C on to us, who have had it from the terminal already: that is one, not two. */
const SAME_KEY_MS = 500;
let isEnding = false;
let endingSinceMs = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);

const outfile = 'control-plane/dist/dev.js';
const watched = await context({
  ...bundleOptions,
  entryPoints: ['control-plane/src/main.ts'],
  outfile,
  sourcemap: 'inline',
  plugins: [{ name: 'restart', setup: (build) => build.onEnd(({ errors }) => (errors.length > 0 ? tell(errors) : restartControlPlane())) }],
});
await watched.watch();
begin('page', ['node_modules/vite/bin/vite.js', '--clearScreen', 'false'], { cwd: join(ROOT, 'web') });
const token = await ownerToken();
writeContext('dev', { url, token });
if (existsSync(join(ROOT, simulated)))
  begin('hosts', ['infra/run.mjs', simulated, '--url', url, '--token', token, '--hosts', '3'], { env: { DROVER_DATA: dataPath } });
else console.log('No simulated hosts: test/simulation/dev-host.ts is not there.');

const link = readTrimmed(join(dataPath, 'control-plane/sign-in-link'));
console.log(
  `\nControl plane ${url}, page http://localhost:5173${link ? `, sign in: http://localhost:5173/sign-in${new URL(link).hash}` : ''}`,
);
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
  const program = args[0]?.startsWith('node_modules/') ? [join(ROOT, args[0]), ...args.slice(1)] : args;
  const child = spawn(process.execPath, program, {
    cwd,
    env: { ...process.env, DROVER_PORT: port, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  children.set(name, child);
  child.once('close', (code) => {
    if (children.get(name) === child) children.delete(name);
    if (!isEnding && !child.isReplaced)
      console.log(`${name} ended with ${code}${name === 'control plane' ? '; the next change starts it again' : ''}`);
  });
}

async function end() {
  if (isEnding) {
    if (Date.now() - endingSinceMs > SAME_KEY_MS) process.exit(1);
    return;
  }
  isEnding = true;
  endingSinceMs = Date.now();
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
  process.exit(0);
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
