import { readFileSync } from 'node:fs';
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from 'node:os';
import type { Inventory } from '@drover/shared/model/host';
import type { Drivers } from '../drivers/drivers.ts';

/** The kernel's own boot id: changes with each boot of the host. */
export const hostBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** What the agent says of itself. */
export type AboutAgent = Pick<Inventory, 'agentVersion' | 'agentBuild' | 'upgradeBlocked'>;

/** What this host is, and what its drivers can do; drivers are probed once, at the agent's start. */
export async function takeInventory(drivers: Drivers, agent: AboutAgent, defaults: Inventory['defaults']): Promise<() => Inventory> {
  const probes = [...Object.values(drivers.guests), ...drivers.storages.values(), ...drivers.networks.values()].map((driver) =>
    driver.probe(),
  );
  const descriptions = await Promise.all(probes);
  const fixed = {
    ...agent,
    os: osName(),
    kernel: release(),
    architecture: arch() === 'x64' ? 'amd64' : arch(),
    cpuModel: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    bootId: hostBootId(),
    drivers: descriptions,
    defaults,
  };
  return () => ({ ...fixed, hostname: hostname(), addresses: addresses(), routes: routes() });
}

function osName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
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
