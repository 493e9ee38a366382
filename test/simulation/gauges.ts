import type { Clock } from '@drover/shared/lib/clock';
import type { Hardware } from '@drover/shared/model/hardware';
import type { Inventory } from '@drover/shared/model/host';
import type { Gauges } from '../../agent/src/host/figures/look.ts';
import type { Machine } from './machine.ts';

const GiB = 2 ** 30;

/** What a simulated host for people to look at says of itself beyond what every host must. */
export const SIMULATED_FACTS: Partial<Inventory> = {
  machine: { vendor: 'Drover', product: 'Simulated Machine', chassis: 'server', virtual: null },
  processor: { vendor: 'Simulated', sockets: 2, cores: 32, threads: 64, virtualization: 'vmx', microcode: '0x1' },
  kvm: { usable: false, reason: 'no KVM: guests are simulated' },
  release: { version: '13', codename: 'trixie' },
  packages: [
    { name: 'lxc', version: '1:6.0.4-4' },
    { name: 'qemu-system-x86', version: '1:10.0.3+ds-0+deb13u1' },
  ],
};

export const SIMULATED_HARDWARE: Hardware = {
  digest: 'simulated-1',
  processorFlags: ['fpu', 'vmx', 'aes', 'avx2'],
  numa: [
    { node: 0, cpus: '0-31', memoryBytes: 128 * GiB },
    { node: 1, cpus: '32-63', memoryBytes: 128 * GiB },
  ],
  disks: [
    {
      ...{
        name: 'nvme0n1',
        sizeBytes: 960 * 10 ** 9,
        model: 'Simulated NVMe 960',
        serial: 'SIM-0001',
        rotational: false,
        transport: 'nvme',
      },
      usedBy: ['/ (ext4)'],
      health: { state: 'good', worn: 0.03, poweredOnHours: 12_300 },
    },
    {
      ...{ name: 'sda', sizeBytes: 8 * 10 ** 12, model: 'Simulated Disk 8T', rotational: true, transport: 'sata' },
      usedBy: [],
      health: { state: 'unknown', detail: 'smartmontools is not installed' },
    },
  ],
  nics: [
    { name: 'drover0', kind: 'bridge', link: true },
    { name: 'eno1', kind: 'physical', mac: '02:00:00:00:00:01', driver: 'simulated', speedMbps: 10_000, link: true, master: 'drover0' },
    { name: 'eno2', kind: 'physical', mac: '02:00:00:00:00:02', driver: 'simulated', link: false },
  ],
  pci: [
    {
      slot: '0000:01:00.0',
      ids: '8086:1533',
      class: 'Ethernet controller',
      name: 'Intel Corporation I210 Gigabit Network Connection',
      iommuGroup: 14,
    },
  ],
  usb: [{ port: '1-1', ids: '1050:0407', name: 'Yubico YubiKey' }],
  cut: [],
};

/** Figures that move a little, and follow from what runs. */
export function simulatedGauges(machine: Machine, clock: Clock): Gauges {
  const startedAtMs = clock.now();
  return {
    look(guests) {
      const nowMs = clock.now();
      const swing = (Math.sin(nowMs / 60_000) + 1) / 2;
      const busy = Math.min(1, 0.02 + guests.length * 0.01 + swing * 0.05);
      const usedBytes = 6 * GiB + guests.length * GiB;
      return {
        host: {
          uptimeS: Math.floor((nowMs - startedAtMs) / 1_000),
          load: [busy * 64, busy * 60, busy * 50],
          cpu: busy,
          memory: { totalBytes: 256 * GiB, usedBytes, availableBytes: 256 * GiB - usedBytes },
          swap: { totalBytes: 8 * GiB, usedBytes: 0 },
          pressure: { cpu: { some: swing * 0.04, full: 0 }, memory: { some: 0, full: 0 }, io: { some: swing * 0.1, full: swing * 0.05 } },
          disk: { in: Math.round(swing * 2e6), out: Math.round(swing * 5e6) },
          network: { in: Math.round(swing * 9e6), out: Math.round(swing * 1e6) },
        },
        guests: guests
          .filter(({ id }) => machine.running.has(id))
          .map(({ id }) => ({
            id,
            cpu: swing * 0.2,
            memoryBytes: Math.round(0.3 * GiB + swing * 1e7),
            disk: { in: 0, out: Math.round(swing * 1e5) },
            network: { in: Math.round(swing * 1e4), out: 100 },
          })),
      };
    },
  };
}
