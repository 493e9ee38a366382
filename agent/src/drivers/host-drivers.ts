import type { Clock } from '@drover/shared/lib/clock';
import type { AgentConfig } from '../config.ts';
import type { Drivers } from './drivers.ts';
import { createLxcDriver } from './guest/lxc.ts';
import { createQemuDriver } from './guest/qemu.ts';
import { type ControlPlaneUploads, createImageMaker } from './image/maker.ts';
import { createNatNetworkDriver } from './network/nat.ts';
import { createDirectoryStorageDriver } from './storage/directory.ts';

export interface HostDriverPorts {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly controlPlane: ControlPlaneUploads;
}

/** Every driver of a real host. A new one is a file beside these and a line here. */
export function createHostDrivers({ config, clock, log, controlPlane }: HostDriverPorts): Drivers {
  return {
    guests: { vm: createQemuDriver({ config, clock, log }), container: createLxcDriver({ config, clock, log }) },
    storages: new Map([createDirectoryStorageDriver({ config, clock, log })].map((driver) => [driver.name, driver])),
    networks: new Map([createNatNetworkDriver({ config, clock, log })].map((driver) => [driver.name, driver])),
    images: createImageMaker({ config, controlPlane, clock, log }),
  };
}
