import { uptime } from 'node:os';
import { realClock } from '@drover/shared/lib/clock';
import { digest } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import { realRandom } from '@drover/shared/lib/random';
import { startAgent } from '../agent.ts';
import { createChoices } from '../choices.ts';
import { whyNoKvm } from '../drivers/guest/qemu-host.ts';
import { createHostDrivers } from '../drivers/host-drivers.ts';
import { realDisk } from '../host/disk.ts';
import { createGauges } from '../host/figures/look.ts';
import { makeRunFolders } from '../host/folder.ts';
import { collectWhenIdle } from '../host/idle-memory.ts';
import { hostBootId, takeInventory } from '../host/inventory.ts';
import { takeLock } from '../host/lock.ts';
import { createHostActions } from '../host-actions.ts';
import { Journal } from '../journal.ts';
import { openLocalServer } from '../local/server.ts';
import { createMqttLink } from '../mqtt-link.ts';
import { createRelayDialer } from '../tasks/relay-websocket.ts';
import { ownProgram } from '../upgrade/release.ts';
import { createUpgrader } from '../upgrade/upgrader.ts';
import { createUploads } from '../uploads.ts';
import { AGENT_VERSION } from '../version.ts';
import { enrolled } from './enrol.ts';
import { CONFIG_PATH, type Command, parseWords, readConfig, say } from './words.ts';

/** Runs the agent until it is told to end. */
export const runCommand: Command = async (words) => {
  const { values } = parseWords(words, { config: { type: 'string' }, url: { type: 'string' } });
  const config = readConfig(values.config ?? CONFIG_PATH, values.url);
  if (process.getuid?.() !== 0) throw new Problem('not-allowed', 'the agent needs root: it runs virtual machines, containers and networks');
  const identity = enrolled(config.dataPath);
  await takeLock(`drover-agent-${digest(config.dataPath)}`, `the agent's data folder ${config.dataPath}`);
  makeRunFolders(config.runPath);
  const ports = { clock: realClock, random: realRandom, log: say };
  const drivers = createHostDrivers({ config, controlPlane: createUploads(identity, config.controlPlaneUrl, realClock), ...ports });
  const { dataPath, controlPlaneUrl } = config;
  const upgrader = createUpgrader({ dataPath, controlPlaneUrl, clock: realClock, program: ownProgram() });
  const about = await takeInventory({
    drivers,
    agent: { agentVersion: AGENT_VERSION, agentBuild: upgrader.build, upgradeBlocked: upgrader.blocked ?? undefined },
    defaults: { storagePath: `${config.storagePaths[0]}/local`, bridge: config.bridges[0] ?? 'drover0' },
    whyNoKvm,
    ...ports,
  });
  const journal = new Journal(realDisk, `${config.dataPath}/journal`, hostBootId(), realClock.now());
  const link = createMqttLink({ identity, controlPlaneUrl: config.controlPlaneUrl, ...ports });
  const agent = startAgent({
    hostId: identity.hostId,
    journal,
    drivers,
    link,
    inventory: about.inventory,
    hardware: about.hardware,
    watchInventory: about.watch,
    gauges: createGauges(),
    dialRelay: createRelayDialer(config.controlPlaneUrl),
    hostActions: createHostActions(upgrader, journal.hostBooted),
    trial: upgrader.trial,
    choices: createChoices(realDisk, `${config.dataPath}/choices.json`, say),
    uptimeMs: () => uptime() * 1_000,
    ...ports,
  });
  const named = { name: identity.name, controlPlaneUrl: config.controlPlaneUrl, version: AGENT_VERSION };
  const closeLocal = openLocalServer({ runPath: config.runPath, answers: agent.answers, about: named, log: say });
  collectWhenIdle(realClock);
  say(`agent of host ${identity.name} (${identity.hostId}), start ${journal.boot}`);
  const stop = (signal: string) => {
    closeLocal();
    void agent.stop(`ended by ${signal}`).then(() => process.exit(0));
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
};
