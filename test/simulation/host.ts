import { mkdirSync } from 'node:fs';
import { realClock } from '@drover/shared/lib/clock';
import { realRandom } from '@drover/shared/lib/random';
import type { HostId } from '@drover/shared/model/id';
import { startAgent } from '../../agent/src/agent.ts';
import { realDisk } from '../../agent/src/host/disk.ts';
import { enrol, readIdentity } from '../../agent/src/identity.ts';
import { Journal } from '../../agent/src/journal.ts';
import { createMqttLink } from '../../agent/src/mqtt-link.ts';
import { NO_HOST_ACTIONS } from '../../agent/src/tasks/host-actions.ts';
import { createRelayDialer } from '../../agent/src/tasks/relay-websocket.ts';
import { createChance } from './chance.ts';
import { SIMULATED_FACTS, SIMULATED_HARDWARE, simulatedGauges } from './gauges.ts';
import { createSimulatedDrivers, simulatedInventory } from './hypervisor.ts';
import { realLife } from './life.ts';
import { Machine } from './machine.ts';
import { fairWeather } from './weather.ts';

export interface SimulatedHostOptions {
  readonly controlPlaneUrl: string;
  /** Enrolment token; not used when `dataPath` holds a host that was enrolled before. */
  readonly token: string;
  /** Identity and journal; guests, disks and images are in memory alone. */
  readonly dataPath: string;
  readonly name?: string;
  readonly log?: (line: string) => void;
}

export interface RunningSimulatedHost {
  readonly hostId: HostId;
  readonly name: string;
  /** Ends the agent and, with the memory they are in, its guests. */
  stop(): Promise<void>;
}

/** A real agent with real link, journal and clock, on a host whose guests are only simulated: needs no root and no hypervisor. */
export async function startSimulatedHost(options: SimulatedHostOptions): Promise<RunningSimulatedHost> {
  const { controlPlaneUrl, token, dataPath, name = 'sim-1', log = () => {} } = options;
  mkdirSync(dataPath, { recursive: true, mode: 0o700 });
  const identity =
    readIdentity(dataPath, realDisk) ??
    (await enrol({ controlPlaneUrl, token, dataPath, hostname: name, disk: realDisk, nowMs: realClock.now() }));
  const machine = new Machine(name, realClock, fairWeather(createChance(identity.hostId)));
  const drivers = createSimulatedDrivers({ machine, life: realLife });
  const ports = { clock: realClock, random: realRandom, log: (line: string) => log(`${identity.name}: ${line}`) };
  const inventory = await simulatedInventory(machine, drivers);
  let agentBuild = 'simulated';
  let inventoryChanged = () => {};
  const agent = startAgent({
    hostId: identity.hostId,
    journal: new Journal(realDisk, `${dataPath}/journal`, machine.bootId, realClock.now()),
    drivers,
    link: createMqttLink({ identity, controlPlaneUrl, ...ports }),
    inventory: () => ({ ...inventory(), ...SIMULATED_FACTS, hardwareDigest: SIMULATED_HARDWARE.digest, agentBuild }),
    watchInventory(changed) {
      inventoryChanged = changed;
      return () => {};
    },
    // Its agent is not another one then, but says so.
    hostActions: {
      ...NO_HOST_ACTIONS,
      async upgrade({ release }) {
        agentBuild = release.build;
        inventoryChanged();
      },
    },
    hardware: () => SIMULATED_HARDWARE,
    gauges: simulatedGauges(machine, realClock),
    dialRelay: createRelayDialer(controlPlaneUrl),
    ...ports,
  });
  return { hostId: identity.hostId, name: identity.name, stop: () => agent.stop('ended by its developer') };
}
