/** `node infra/host.mjs --url URL --token TOKEN`, as the page and `drover host add` say: makes this machine a host of a control plane elsewhere. Without a token it runs again what is enrolled here. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureDependencies, nodeTooOld } from './dependencies.mjs';
import { endOnSignals, fail } from './ending.mjs';

const USAGE = 'Usage: node infra/host.mjs --url URL --token TOKEN   (npx drover host add, where the control plane is, makes a token)';

const { url, token } = options();
const tooOld = nodeTooOld();
if (tooOld) fail(tooOld);
if (process.platform !== 'linux') fail('A host of guests is a Linux machine; this is not one.');
if (process.getuid() !== 0) fail('A host runs virtual machines, containers and networks, which needs root.');
ensureDependencies();

const { build } = await import('./build.mjs');
const { agentConfigPath, enrol, keepAgent } = await import('./agent.mjs');
const { ensureHostPackages } = await import('./packages.mjs');
const { makeDataFolder } = await import('./data-folder.mjs');

await build(['agent'], { say: console.log }).catch((error) => fail(`The build failed:\n${error.message}`));
const { dataPath, logs } = makeDataFolder(resolve(process.env.DROVER_DATA || '/var/lib/drover'));
const missing = await ensureHostPackages();
const agentPath = join(dataPath, 'agent');
if (token) {
  try {
    enrol({ url, token, dataPath: agentPath, instance: process.env.DROVER_INSTANCE ?? '' });
  } catch (error) {
    fail(`This machine could not be enrolled as a host: ${error.message}`);
  }
} else if (!existsSync(agentConfigPath(agentPath))) fail(`This machine is not enrolled yet.\n${USAGE}`);

const children = [];
endOnSignals(children, 'Ending (guests keep running; Ctrl-C again to force) …');
const logPath = join(logs, 'agent.log');
let isSaid = false;
children.push(keepAgent({ dataPath: agentPath, url, logPath, onOutput: sayWelcome }));

function sayWelcome(output) {
  const name = /^agent of host (\S+)/m.exec(output)?.[1];
  if (isSaid || !name) return;
  isSaid = true;
  const { controlPlaneUrl } = JSON.parse(readFileSync(agentConfigPath(agentPath), 'utf8'));
  const lines = [
    `This machine is host ${name} of ${url ?? controlPlaneUrl}`,
    missing.length > 0 ? `Missing   ${missing.join(', ')}: what needs them will say so` : null,
    `Data      ${dataPath}`,
    `Log       ${logPath}`,
    '',
    'Ctrl-C ends the agent; guests keep running. node infra/host.mjs starts it again.',
  ];
  for (const line of lines) if (line !== null) console.log(line);
}

function options() {
  try {
    const { values } = parseArgs({ options: { url: { type: 'string' }, token: { type: 'string' } } });
    if (values.token && !values.url) fail(`--url is missing.\n${USAGE}`);
    return values;
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`);
  }
}
