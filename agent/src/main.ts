import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { realClock } from '@drover/shared/lib/clock';
import { digest } from '@drover/shared/lib/digest';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { realRandom } from '@drover/shared/lib/random';
import { startAgent } from './agent.ts';
import { AgentConfig } from './config.ts';
import { createHostDrivers } from './drivers/host-drivers.ts';
import { realDisk } from './host/disk.ts';
import { makeFolders, makeRunFolders } from './host/folder.ts';
import { collectWhenIdle } from './host/idle-memory.ts';
import { hostBootId, takeInventory } from './host/inventory.ts';
import { takeLock } from './host/lock.ts';
import { discardHostKey, enrol, type Identity, readIdentity, rotateHostKey } from './identity.ts';
import { Journal } from './journal.ts';
import { createMqttLink } from './mqtt-link.ts';
import { createRelayDialer } from './tasks/relay-websocket.ts';
import { createUploads } from './uploads.ts';

export const AGENT_VERSION = '0.1.0';

// The kernel copies the page tables of what the agent holds for each program that it starts, 0.1 ms and more for each MiB: so the
// garbage of its busiest moment must not stay with it.
setFlagsFromString('--semi-space-growth-factor=1');
// Meant for the agent; guests shall not inherit it.
delete process.env.MALLOC_ARENA_MAX;

const USAGE = `drover-agent: runs guests on this host as the control plane wishes

  drover-agent enrol --url URL --token TOKEN --data FOLDER [--instance NAME] [--mirror URL] [--new-key]
      joins this host to a control plane; writes FOLDER/agent.json; the token may also be in DROVER_TOKEN; --new-key: as a new host, because the old one was forgotten
  drover-agent run --config FOLDER/agent.json [--url URL]
      runs until it is told to end; guests go on
  drover-agent fingerprint --data FOLDER
      shows the fingerprints of this host's key and of its control plane's, to compare with what the control plane shows
  drover-agent rotate-key --data FOLDER
      gives this host a new key; the agent may go on running

Examples
  drover-agent enrol --url https://drover.example.org --token 4k2… --data /var/lib/drover/agent
  drover-agent run --config /var/lib/drover/agent/agent.json`;

const say = (line: string) => console.log(line);

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      token: { type: 'string' },
      data: { type: 'string' },
      instance: { type: 'string' },
      mirror: { type: 'string' },
      'config': { type: 'string' },
      'new-key': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return say(USAGE);
  switch (positionals[0]) {
    case 'enrol':
      return enrolHost({
        url: needed(values.url, '--url'),
        // In the environment it is not seen by everybody on this machine.
        token: needed(values.token ?? process.env.DROVER_TOKEN, '--token'),
        data: needed(values.data, '--data'),
        instance: values.instance ?? '',
        mirror: values.mirror,
        newKey: values['new-key'] ?? false,
      });
    case 'run':
      return runAgent(needed(values.config, '--config'), values.url);
    case 'fingerprint':
      return sayFingerprints(enrolled(needed(values.data, '--data')));
    case 'rotate-key':
      return sayFingerprints(await rotateHostKey(needed(values.data, '--data'), realDisk, realClock.now()));
    default:
      throw new Problem('bad-request', `say enrol, run, fingerprint or rotate-key\n\n${USAGE}`);
  }
}

async function enrolHost(options: {
  url: string;
  token: string;
  data: string;
  instance: string;
  mirror: string | undefined;
  newKey: boolean;
}): Promise<void> {
  const { data, instance } = options;
  const config = AgentConfig.safeParse({
    controlPlaneUrl: options.url.replace(/\/+$/, ''),
    dataPath: data,
    // Sockets have short names (108 bytes), so they lie under /run, told apart by the data folder.
    runPath: `/run/drover/${digest(data).slice(0, 8)}`,
    instance,
    storagePaths: [`${data}/storage`],
    bridges: [`drover${instance}0`],
    ...(options.mirror ? { debianMirror: options.mirror } : {}),
  });
  if (!config.success) throw problemOfInput(config.error, 'the options');
  makeFolders(data, 0o711);
  if (options.newKey) discardHostKey(data, realDisk, realClock.now());
  const identity = await enrol({
    controlPlaneUrl: config.data.controlPlaneUrl,
    token: options.token,
    dataPath: data,
    hostname: hostname(),
    disk: realDisk,
    nowMs: realClock.now(),
  });
  realDisk.writeAtomically(`${data}/agent.json`, `${JSON.stringify(config.data, null, 2)}\n`);
  say(`enrolled as host ${identity.name} (${identity.hostId})`);
  sayFingerprints(identity);
}

/** For a person to compare: whoever stood between the two would show other ones. */
function sayFingerprints(identity: Identity): void {
  say(`key of this host           ${identity.fingerprint}`);
  say(`key of the control plane   ${identity.signerFingerprint}`);
}

function enrolled(dataPath: string): Identity {
  const identity = readIdentity(dataPath, realDisk);
  if (!identity) throw new Problem('not-found', `${dataPath} holds no enrolled host`, { suggestion: 'run drover-agent enrol first' });
  return identity;
}

async function runAgent(configPath: string, url: string | undefined): Promise<void> {
  const config = readConfig(configPath, url);
  if (process.getuid?.() !== 0) throw new Problem('not-allowed', 'the agent needs root: it runs virtual machines, containers and networks');
  const identity = enrolled(config.dataPath);
  await takeLock(`drover-agent-${digest(config.dataPath)}`, `the agent's data folder ${config.dataPath}`);
  makeRunFolders(config.runPath);
  const ports = { clock: realClock, random: realRandom, log: say };
  const drivers = createHostDrivers({ config, controlPlane: createUploads(identity, config.controlPlaneUrl, realClock), ...ports });
  const inventory = await takeInventory(drivers, AGENT_VERSION, {
    storagePath: `${config.storagePaths[0]}/local`,
    bridge: config.bridges[0] ?? 'drover0',
  });
  const journal = new Journal(realDisk, `${config.dataPath}/journal`, hostBootId(), realClock.now());
  const link = createMqttLink({ identity, controlPlaneUrl: config.controlPlaneUrl, ...ports });
  const agent = startAgent({
    hostId: identity.hostId,
    journal,
    drivers,
    link,
    inventory,
    dialRelay: createRelayDialer(config.controlPlaneUrl),
    ...ports,
  });
  collectWhenIdle(realClock);
  say(`agent of host ${identity.name} (${identity.hostId}), start ${journal.boot}`);
  const stop = (signal: string) => void agent.stop(`ended by ${signal}`).then(() => process.exit(0));
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
}

function readConfig(path: string, url: string | undefined): AgentConfig {
  const text = realDisk.read(path);
  if (text === null) throw new Problem('not-found', `there is no ${path}`, { suggestion: 'run drover-agent enrol first' });
  const parsed = AgentConfig.safeParse({ ...JSON.parse(text), ...(url ? { controlPlaneUrl: url.replace(/\/+$/, '') } : {}) });
  if (!parsed.success) throw problemOfInput(parsed.error, path);
  return parsed.data;
}

function needed(value: string | undefined, option: string): string {
  if (!value) throw new Problem('bad-request', `${option} is missing\n\n${USAGE}`);
  return value;
}

main().catch((thrown: unknown) => {
  const problem = Problem.from(thrown);
  console.error(`drover-agent: ${problem.message}${problem.suggestion ? `\n${problem.suggestion}` : ''}`);
  process.exit(1);
});
