import { readFileSync } from 'node:fs';
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from 'node:os';
import type { Clock } from '@drover/shared/lib/clock';
import { isSameJson } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import type { Hardware } from '@drover/shared/model/hardware';
import type { Inventory } from '@drover/shared/model/host';
import type { Drivers } from '../drivers/drivers.ts';
import { readTextIfThere } from './durable-file.ts';
import { detectVirtual, listPackages, lookAtHardware, readProcessors } from './hardware/look.ts';
import { parseRelease, readMachine } from './hardware/machine.ts';

/** How often the host is looked at anew: packages that were upgraded, a disk that fails, a card that was plugged in. */
const REFRESH_MS = 600_000;
/** How often what costs nothing to see is compared with what was said: addresses, routes, the name. */
const GLANCE_MS = 30_000;

export interface InventoryPorts {
  readonly drivers: Drivers;
  readonly agent: AboutAgent;
  readonly defaults: Inventory['defaults'];
  /** Null: guests can be run by KVM. */
  readonly whyNoKvm: () => string | null;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

export interface HostInventory {
  /** As it is now; addresses and routes are looked up each time. */
  inventory(): Inventory;
  /** The long lists; null until they were looked at, which a disk that hangs can delay. */
  hardware(): Hardware | null;
  /** Looks at the host from now on, and calls back when anything of it is other than before; the returned function ends it. */
  watch(changed: () => void): () => void;
}

/** The kernel's own boot id: changes with each boot of the host. */
export const hostBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** What the agent says of itself. */
export type AboutAgent = Pick<Inventory, 'agentVersion' | 'agentBuild' | 'upgradeBlocked'>;

/** What this host is, and what its drivers can do: looked at before the agent begins, and then again and again. */
export async function takeInventory(ports: InventoryPorts): Promise<HostInventory> {
  const { clock, log } = ports;
  let facts = await lookAtFacts(ports);
  let hardware: Hardware | null = null;
  const inventory = (): Inventory => ({
    ...facts,
    hostname: hostname(),
    addresses: addresses(),
    routes: routes(),
    ...(hardware === null ? {} : { hardwareDigest: hardware.digest }),
  });
  return {
    inventory,
    hardware: () => hardware,
    watch(changed) {
      let isOver = false;
      let said = inventory();
      let cancelGlance = (): void => {};
      let cancelLook = (): void => {};
      const compare = (): void => {
        const now = inventory();
        if (isOver || isSameJson(now, said)) return;
        said = now;
        changed();
      };
      const glance = (): void => {
        cancelGlance = clock.after(GLANCE_MS, () => {
          compare();
          glance();
        });
      };
      const lookThenAgain = (look: () => Promise<void>): void => {
        look()
          .then(compare)
          .catch((thrown: unknown) => log(`cannot look at the host: ${Problem.from(thrown).message}`))
          .finally(() => {
            if (!isOver) cancelLook = clock.after(REFRESH_MS, () => lookThenAgain(lookAtAll));
          });
      };
      const lookAtLists = async (): Promise<void> => {
        hardware = await lookAtHardware(log);
      };
      const lookAtAll = async (): Promise<void> => {
        facts = await lookAtFacts(ports);
        await lookAtLists();
      };
      glance();
      lookThenAgain(lookAtLists);
      return () => {
        isOver = true;
        cancelGlance();
        cancelLook();
      };
    },
  };
}

type Facts = Omit<Inventory, 'hostname' | 'addresses' | 'routes' | 'hardwareDigest'>;

async function lookAtFacts({ drivers, agent, defaults, whyNoKvm }: InventoryPorts): Promise<Facts> {
  const all = [...Object.values(drivers.guests), ...drivers.storages.values(), ...drivers.networks.values()];
  const [descriptions, virtual, packages] = await Promise.all([
    Promise.all(all.map((driver) => driver.probe())),
    detectVirtual(),
    listPackages(),
  ]);
  const osRelease = readTextIfThere('/etc/os-release') ?? '';
  const debian = parseRelease(osRelease);
  const processors = readProcessors();
  const noKvm = whyNoKvm();
  return {
    ...agent,
    os: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? 'Linux',
    kernel: release(),
    architecture: arch() === 'x64' ? 'amd64' : arch(),
    cpuModel: processors.model ?? cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    bootId: hostBootId(),
    drivers: descriptions,
    defaults,
    machine: readMachine(virtual),
    processor: processors.about,
    kvm: noKvm === null ? { usable: true } : { usable: false, reason: noKvm },
    ...(debian === null ? {} : { release: debian }),
    ...(packages === null ? {} : { packages }),
  };
}

function addresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter((address) => !address.internal && !address.address.startsWith('fe80:')).map((address) => address.address);
}

/** IPv4 networks in the kernel's routing table, as CIDR, without the default route. */
function routes(): string[] {
  const lines = readFileSync('/proc/net/route', 'utf8').trim().split('\n').slice(1);
  return [...new Set(lines.flatMap((line) => routeOf(line.split(/\s+/)) ?? []))];
}

function routeOf(columns: readonly string[]): string | null {
  const [, destination, , , , , , mask] = columns;
  if (!destination || !mask || destination === '00000000') return null;
  const bytes = (hex: string) => [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const bits = bytes(mask).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
  return `${bytes(destination).join('.')}/${bits}`;
}
