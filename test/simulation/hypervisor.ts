import { Problem } from '@drover/shared/lib/problem';
import type { Inventory } from '@drover/shared/model/host';
import type { Drivers } from '../../agent/src/drivers/drivers.ts';
import type { ImageMaker } from '../../agent/src/drivers/image/source.ts';
import { createSimulatedGuestDriver } from './guest-driver.ts';
import type { Machine } from './machine.ts';
import { createSimulatedNetworkDriver } from './network-driver.ts';
import { type Operator, operate } from './operate.ts';
import { createSimulatedStorageDriver } from './storage-driver.ts';

/** Every driver of a simulated host, as one life of its agent uses them. */
export function createSimulatedDrivers(operator: Operator): Drivers {
  const storage = createSimulatedStorageDriver(operator);
  const network = createSimulatedNetworkDriver(operator);
  return {
    guests: { vm: createSimulatedGuestDriver('vm', operator), container: createSimulatedGuestDriver('container', operator) },
    storages: new Map([[storage.name, storage]]),
    networks: new Map([[network.name, network]]),
    images: createSimulatedImageMaker(operator),
  };
}

const PARTS = 4;

function createSimulatedImageMaker(operator: Operator): ImageMaker {
  const { machine } = operator;
  return {
    async make(spec, folder, progress, signal) {
      const at = folder.lastIndexOf('/staging/');
      const imageId = folder.slice(at + '/staging/'.length);
      const parts = Array.from({ length: PARTS }, (_, index) => () => {
        const staging = machine.storage(folder.slice(0, at)).staging.get(imageId);
        if (!staging) throw new Problem('host-failed', `the staging folder of ${spec.name} is gone`, { retryable: true });
        progress.report((index + 1) / PARTS, `part ${index + 1} of ${PARTS}`);
        progress.log(`${spec.source.do} of ${spec.name}: part ${index + 1} of ${PARTS}`);
        if (index === PARTS - 1) staging.filled = true;
      });
      await operate(operator, 'make image', spec.name, signal, parts);
      return { virtualSizeBytes: spec.form === 'vm' ? 128 * 2 ** 20 : null };
    },
  };
}

export const AGENT_VERSION = '0.1.0';

/** What a simulated host says of itself. */
export async function simulatedInventory(machine: Machine, drivers: Drivers): Promise<() => Inventory> {
  const probed = [...Object.values(drivers.guests), ...drivers.storages.values(), ...drivers.networks.values()];
  const descriptions = await Promise.all(probed.map((driver) => driver.probe()));
  return () => ({
    hostname: machine.name,
    agentVersion: AGENT_VERSION,
    os: 'Simulated Linux 1',
    kernel: '0.0-simulated',
    architecture: 'amd64',
    cpuModel: 'Simulated CPU',
    cores: 64,
    memoryBytes: 256 * 2 ** 30,
    bootId: machine.bootId,
    addresses: [],
    routes: [],
    drivers: descriptions,
    defaults: { storagePath: '/simulated/local', bridge: 'drover0' },
  });
}
