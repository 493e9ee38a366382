/** `npm start`: from a fresh clone to a running control plane with this machine as its first host. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureDependencies, nodeTooOld } from './dependencies.mjs';
import { endOnSignals, fail } from './ending.mjs';

const TRY_NEXT = [
  'Try next, in a second terminal in this folder:',
  '  npx drover guest create web --container --image debian-13 --memory 256MiB --start --wait',
  '  npx drover guest exec web -- cat /etc/os-release',
  '  npx drover guest create db --vm --image debian-13 --memory 512MiB --cores 1 --start --wait',
  '  npx drover guest list',
  '',
];

/** What is printed does not wait any longer for the agent; a second is usual. */
const AGENT_MS = 10_000;

const tooOld = nodeTooOld();
if (tooOld) fail(tooOld);
const port = portOf(process.env.DROVER_PORT);
ensureDependencies();

const { build } = await import('./build.mjs');
const { ensureHostPackages } = await import('./packages.mjs');
const { keep } = await import('./keep.mjs');
const { writeContext } = await import('./context.mjs');
const { enrolHere, keepAgent } = await import('./agent.mjs');
const { makeDataFolder } = await import('./data-folder.mjs');

const isRoot = process.getuid?.() === 0;
const isHost = process.platform === 'linux' && isRoot;
await build(['control-plane', 'cli', 'web', ...(isHost ? ['agent'] : [])], { say: console.log }).catch((error) =>
  fail(`The build failed:\n${error.message}`),
);

const ownFolder = isRoot ? '/var/lib/drover' : join(process.env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'drover');
const { dataPath, logs } = makeDataFolder(resolve(process.env.DROVER_DATA || ownFolder));
const packagesLeft = isHost ? await ensureHostPackages() : [];

const url = `http://${reachable(process.env.DROVER_LISTEN)}:${port}`;
const children = [];
endOnSignals(children, 'Ending (guests keep running; Ctrl-C again to force) …');

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
const noContext = contextFailure();

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
    noContext,
    packagesLeft.length > 0 ? `Missing   ${packagesLeft.join(', ')}: what needs them will say so` : null,
    `Data      ${dataPath}`,
    `Logs      ${logs}`,
    '',
    ...(isHost ? TRY_NEXT : []),
    'Ctrl-C ends Drover; guests keep running.',
  ];
  for (const line of lines) if (line !== null) console.log(line);
}

/** The command line of this user works at once; where its file cannot be written, what to do instead. */
function contextFailure() {
  try {
    writeContext('local', { url, token: owner });
    return null;
  } catch (error) {
    const tokenPath = join(dataPath, 'control-plane', 'local-token');
    return `CLI       not set up (${error.message}); it takes DROVER_URL=${url} DROVER_TOKEN=$(cat ${tokenPath})`;
  }
}

async function startAgent() {
  const agentPath = join(dataPath, 'agent');
  const instance = process.env.DROVER_INSTANCE ?? '';
  const name = await enrolHere({ url, owner, dataPath: agentPath, instance }).catch(async (error) => {
    await controlPlane.stop();
    return fail(`This machine could not be enrolled as a host: ${error.message}`);
  });
  const logPath = join(logs, 'agent.log');
  const connected = await new Promise((resolve) => {
    const onOutput = (said) => /^connected to /m.test(said) && resolve(true);
    // The port may have changed since this host was enrolled.
    children.push(keepAgent({ dataPath: agentPath, url, logPath, onOutput }));
    setTimeout(resolve, AGENT_MS, false);
  });
  return `Host      ${name}: this machine${connected ? '' : `; its agent is not connected yet, see ${logPath}`}`;
}

/** The name by which this machine reaches what listens on `address`, as the control plane says it, too. */
function reachable(address) {
  if (!address || address === '::' || address === '0.0.0.0') return 'localhost';
  return address.includes(':') ? `[${address}]` : address;
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
