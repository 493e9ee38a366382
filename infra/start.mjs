/** `npm start`: from a fresh clone to a running control plane with this machine as its first host. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureDependencies, nodeTooOld } from './dependencies.mjs';

const TRY_NEXT = [
  'Try next, in a second terminal in this folder:',
  '  npx drover guest create web --container --image debian-13 --memory 256MiB --start --wait',
  '  npx drover guest exec web -- cat /etc/os-release',
  '  npx drover guest create db --vm --image debian-13 --memory 512MiB --cores 1 --start --wait',
  '  npx drover guest list',
  '',
];

const tooOld = nodeTooOld();
if (tooOld) fail(tooOld);
ensureDependencies();

const { build } = await import('./build.mjs');
const { cannotInstall, ensurePackages, hostPackages } = await import('./packages.mjs');
const { keep } = await import('./keep.mjs');
const { writeContext } = await import('./context.mjs');
const { enrolThisHost } = await import('./enrol.mjs');

const isRoot = process.getuid?.() === 0;
const isHost = process.platform === 'linux' && isRoot;
await build(['control-plane', 'cli', 'web', ...(isHost ? ['agent'] : [])], { say: console.log }).catch((error) =>
  fail(`The build failed:\n${error.message}`),
);

const dataPath =
  process.env.DROVER_DATA || (isRoot ? '/var/lib/drover' : join(process.env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'drover'));
const port = portOf(process.env.DROVER_PORT);
const logs = join(dataPath, 'logs');
try {
  // The root of an unprivileged container is nobody here, and passes through to its files.
  makeFolder(dataPath, 0o711);
  mkdirSync(logs, { recursive: true, mode: 0o700 });
} catch (error) {
  fail(`The data folder ${dataPath} cannot be made (${error.code}). DROVER_DATA=/some/where npm start puts it elsewhere.`);
}

let packagesLeft = [];
if (isHost && !cannotInstall()) packagesLeft = await ensurePackages(hostPackages(), { purpose: 'Running guests on this machine' });

const url = `http://localhost:${port}`;
const children = [];
/** npm passes Ctrl-C on to us, who have had it from the terminal already: that is one, not two. */
const SAME_KEY_MS = 500;
let stoppingSinceMs = null;
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
process.on('SIGHUP', stop);

let isReady = false;
let heardReady;
const ready = new Promise((resolve) => {
  heardReady = resolve;
});
const controlPlane = keep({
  title: 'control plane',
  script: 'control-plane/dist/main.js',
  env: { DROVER_DATA: dataPath, DROVER_PORT: String(port) },
  logPath: join(logs, 'control-plane.log'),
  onOutput(output) {
    // Said once it listens, and has written token and link.
    if (/^Drover's control plane is at /m.test(output)) heardReady();
  },
  onExit({ output }) {
    if (isReady) return true;
    fail(output || 'The control plane ended before it was ready, without a word.');
  },
});
children.push(controlPlane);

await ready;
const owner = readTrimmed(join(dataPath, 'control-plane', 'local-token'));
isReady = true;
writeContext('local', { url, token: owner });

let hostLine = null;
if (isHost) {
  hostLine = await startAgent();
} else {
  const why = process.platform === 'linux' ? 'without root' : 'not on Linux';
  hostLine = `Host      none yet: ${why}, Drover runs its control plane alone. npx drover host add says how to add one.`;
}
printWelcome();

function printWelcome() {
  const link = readTrimmed(join(dataPath, 'control-plane', 'sign-in-link'));
  const lines = [
    '',
    `Drover is running at ${url}`,
    '',
    link ? `Sign in   ${link}   (works once)` : 'Sign in   somebody has already; npx drover sign-in-link makes another link',
    hostLine,
    packagesLeft.length > 0 ? `Missing   ${packagesLeft.join(', ')}: what needs them will say so` : null,
    `Data      ${dataPath}`,
    `Logs      ${logs}`,
    '',
    ...(isHost ? TRY_NEXT : []),
    'Ctrl-C ends Drover; guests keep running.',
  ];
  for (const line of lines) if (line !== null) console.log(line);
}

async function startAgent() {
  const { configPath, name } = await enrolThisHost({
    url,
    token: owner,
    dataPath: join(dataPath, 'agent'),
    instance: process.env.DROVER_INSTANCE ?? '',
  }).catch(async (error) => {
    await controlPlane.stop();
    return fail(`This machine could not be enrolled as a host: ${error.message}`);
  });
  let said = '';
  children.unshift(
    keep({
      title: 'agent',
      script: 'agent/dist/agent.js',
      // The port may have changed since this host was enrolled.
      args: ['run', '--config', configPath, '--url', url],
      logPath: join(logs, 'agent.log'),
      onExit({ output }) {
        // Its last words say why, once.
        const words = output.split('\n').at(-1) ?? '';
        if (words !== said) console.log(words);
        said = words;
        return true;
      },
    }),
  );
  return `Host      ${name}: this machine`;
}

async function stop() {
  if (stoppingSinceMs !== null) {
    if (Date.now() - stoppingSinceMs < SAME_KEY_MS) return;
    console.log('Forced.');
    for (const child of children) child.kill();
    process.exit(1);
  }
  stoppingSinceMs = Date.now();
  console.log('\nEnding (guests keep running; Ctrl-C again to force) …');
  let isClean = true;
  // The agent first, so that it can still say goodbye.
  for (const child of children) isClean = (await child.stop()) && isClean;
  process.exit(isClean ? 0 : 1);
}

function portOf(text) {
  if (!text) return 8420;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) fail(`DROVER_PORT is "${text}", but a port is a number from 1 to 65535.`);
  return value;
}

function readTrimmed(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** With those above it that are missing, one by one: Node's own recursive way never ends where the kernel makes none, as under /proc. */
function makeFolder(path, mode) {
  if (existsSync(path)) return;
  makeFolder(dirname(path), mode);
  mkdirSync(path, { mode });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
