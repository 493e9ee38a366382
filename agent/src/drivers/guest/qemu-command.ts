import { assert } from '@drover/shared/lib/assert';
import { Problem } from '@drover/shared/lib/problem';
import { MiB, type VmSpec } from '@drover/shared/model/guest';
import type { DiskPlace, GuestDefinition, NicPlace } from './driver.ts';
import { qemuOption } from './qemu-option.ts';

/** What the command line depends on besides the definition. */
export interface QemuHost {
  readonly major: number;
  readonly kvm: boolean;
  readonly sandbox: boolean;
  readonly vhostNet: boolean;
  /** Disk requests by io_uring: as quick as Linux's older asynchronous I/O, which takes 30 ms to let go of at the end. */
  readonly ioUring: boolean;
  /** OVMF's two halves, where installed. */
  readonly uefi: { readonly codePath: string; readonly varsPath: string } | null;
}

export interface QemuPlaces {
  /** Sockets: a folder on a tmpfs, one for each guest. */
  readonly runFolder: string;
  readonly uuid: string;
  /** Names of the tap devices, one for each NIC. */
  readonly taps: readonly string[];
  /** Paths of disks whose file system can do direct I/O. */
  readonly direct: ReadonlySet<string>;
  /** SMBIOS strings that hand the guest its identity. */
  readonly credentials: readonly string[];
  readonly seedPath: string | null;
}

/** QEMU's q35 without an emulated IOMMU has 8-bit interrupt ids. */
const CORES_MAX = 255;

/** Where devices sit on the PCI bus: fixed, so that the guest finds them again under the same names whatever is added. */
const SLOT = { rng: 2, balloon: 3, channels: 4, pvpanic: 5, nics: 8, disks: 10, seed: 12 } as const;

/** The argv of a guest's QEMU, without the program's name. Pure. */
export function qemuCommand(definition: GuestDefinition, host: QemuHost, places: QemuPlaces): string[] {
  const { spec } = definition;
  assert(spec.type === 'vm', 'QEMU runs virtual machines');
  if (spec.cores > CORES_MAX) throw new Problem('unsupported', `a VM can have ${CORES_MAX} cores at most`, { field: 'cores' });
  if (spec.firmware === 'uefi' && host.uefi === null)
    throw new Problem('unsupported', 'UEFI firmware (package ovmf) is not installed on this host', { field: 'firmware' });
  return [
    ...['-nodefaults', '-no-user-config'],
    ...['-name', qemuOption(null, { 'guest': spec.name, 'debug-threads': true })],
    ...['-uuid', places.uuid],
    ...machine(spec, host),
    ...['-smp', qemuOption(null, { cpus: spec.cores, sockets: 1, cores: spec.cores, threads: 1 })],
    ...['-m', qemuOption(null, { size: `${Math.floor(spec.memoryBytes / MiB)}M` })],
    ...['-rtc', qemuOption(null, { base: 'utc' })],
    // A guest that powers itself off is kept, paused: so the agent learns how it ended even if it was away.
    ...['-action', qemuOption(null, { reboot: 'reset', shutdown: 'pause', panic: 'pause' })],
    ...['-boot', qemuOption(null, { strict: true })],
    ...['-display', 'none'],
    ...(host.sandbox
      ? ['-sandbox', qemuOption('on', { obsolete: 'deny', elevateprivileges: 'deny', spawn: 'deny', resourcecontrol: 'deny' })]
      : []),
    ...(spec.firmware === 'uefi' && host.uefi ? firmware(host.uefi.codePath, efiVariablesPath(definition.places.folder)) : []),
    ...channels(definition.places.folder, places.runFolder),
    ...['-object', qemuOption('rng-random', { id: 'rng', filename: '/dev/urandom' })],
    ...device('virtio-rng-pci', SLOT.rng, { rng: 'rng' }),
    // Memory that the guest has freed goes back to the host by itself.
    ...device('virtio-balloon-pci', SLOT.balloon, { 'free-page-reporting': true }),
    ...device('pvpanic-pci', SLOT.pvpanic, {}),
    ...definition.places.disks.flatMap((place, index) => disk(place, index, places.direct.has(place.path), host.ioUring)),
    ...(definition.places.cdromPath === null ? [] : cdrom(definition.places.cdromPath)),
    ...(places.seedPath === null ? [] : seed(places.seedPath)),
    ...definition.places.nics.flatMap((place, index) => nic(place, index, places.taps[index] ?? '', host.vhostNet)),
    ...places.credentials.flatMap((value) => ['-smbios', qemuOption(null, { type: 11, value })]),
  ];
}

export const efiVariablesPath = (folder: string): string => `${folder}/efi-variables.fd`;
export const serialLogPath = (folder: string): string => `${folder}/serial.log`;
export const qmpSocketPath = (runFolder: string): string => `${runFolder}/qmp.sock`;
export const serialSocketPath = (runFolder: string): string => `${runFolder}/serial.sock`;
export const agentSocketPath = (runFolder: string): string => `${runFolder}/agent.sock`;

function machine(spec: VmSpec, host: QemuHost): string[] {
  const flash = spec.firmware === 'uefi' ? { pflash0: 'firmware', pflash1: 'efi-variables' } : {};
  // Without graphics SeaBIOS and boot loaders speak on the serial port.
  const type = qemuOption('q35', { graphics: false, smm: false, vmport: false, hpet: false, ...flash });
  if (host.kvm) return ['-machine', type, '-accel', 'kvm', '-cpu', 'host'];
  // Emulation of cmpxchg16b in QEMU before 8 crashes kernels of 2024 and later: hide that instruction there.
  const cpu = host.major < 8 ? qemuOption('max', { cx16: false }) : 'max';
  return ['-machine', type, '-accel', qemuOption('tcg', { thread: 'multi' }), '-cpu', cpu];
}

function firmware(codePath: string, variablesPath: string): string[] {
  return [
    ...blockdev({ 'driver': 'raw', 'node-name': 'firmware', 'read-only': true, 'file.driver': 'file', 'file.filename': codePath }),
    ...blockdev({
      'driver': 'raw',
      'node-name': 'efi-variables',
      'file.driver': 'file',
      'file.filename': variablesPath,
      'file.locking': true,
    }),
  ];
}

/** The monitor, the serial console and the guest agent's channel. */
function channels(folder: string, runFolder: string): string[] {
  const socket = (id: string, path: string, more = {}) => [
    '-chardev',
    qemuOption('socket', { id, path, server: true, wait: false, ...more }),
  ];
  return [
    ...socket('qmp', qmpSocketPath(runFolder)),
    ...['-mon', qemuOption(null, { chardev: 'qmp', mode: 'control' })],
    // Appending, so that the agent can cut the log while QEMU writes it.
    ...socket('serial', serialSocketPath(runFolder), { logfile: serialLogPath(folder), logappend: true }),
    ...['-device', qemuOption('isa-serial', { chardev: 'serial' })],
    ...socket('agent', agentSocketPath(runFolder)),
    ...device('virtio-serial-pci', SLOT.channels, { id: 'channels' }),
    ...['-device', qemuOption('virtserialport', { bus: 'channels.0', chardev: 'agent', id: 'agent-port', name: 'org.qemu.guest_agent.0' })],
  ];
}

function disk(place: DiskPlace, index: number, direct: boolean, ioUring: boolean): string[] {
  assert(place.form === 'file' && place.format !== null, `disk ${place.name} is a file that QEMU can open`);
  const node = `disk-${place.name}`;
  return [
    ...blockdev({
      'driver': place.format,
      'node-name': node,
      'discard': 'unmap',
      'detect-zeroes': 'unmap',
      // Past the host's page cache: the guest has its own, and the host's memory is for guests. Flushes reach the disk either way.
      'cache.direct': direct,
      'file.driver': 'file',
      'file.filename': place.path,
      'file.discard': 'unmap',
      'file.locking': true,
      'file.cache.direct': direct,
      'file.aio': ioUring ? 'io_uring' : 'threads',
    }),
    ...nth('virtio-blk-pci', SLOT.disks, index, {
      drive: node,
      id: `${node}-device`,
      serial: place.name,
      bootindex: index === 0 ? 1 : undefined,
    }),
  ];
}

function cdrom(path: string): string[] {
  return [
    ...blockdev({ 'driver': 'raw', 'node-name': 'cdrom', 'read-only': true, 'file.driver': 'file', 'file.filename': path }),
    ...['-device', qemuOption('ide-cd', { drive: 'cdrom', bus: 'ide.0', id: 'cdrom-device', bootindex: 2 })],
  ];
}

function seed(path: string): string[] {
  return [
    ...blockdev({ 'driver': 'raw', 'node-name': 'seed', 'read-only': true, 'file.driver': 'file', 'file.filename': path }),
    ...device('virtio-blk-pci', SLOT.seed, { drive: 'seed', id: 'seed-device', serial: 'seed' }),
  ];
}

function nic(place: NicPlace, index: number, tap: string, vhost: boolean): string[] {
  return [
    '-netdev',
    qemuOption('tap', { id: place.name, ifname: tap, script: 'no', downscript: 'no', vhost: vhost ? true : undefined }),
    // No ROM: guests boot from disks, not over the network.
    ...nth('virtio-net-pci', SLOT.nics, index, { netdev: place.name, id: `${place.name}-device`, mac: place.mac, romfile: '' }),
  ];
}

const blockdev = (members: Parameters<typeof qemuOption>[1]): string[] => ['-blockdev', qemuOption(null, members)];

const device = (kind: string, slot: number, members: Parameters<typeof qemuOption>[1]): string[] => [
  '-device',
  qemuOption(kind, { bus: 'pcie.0', addr: `0x${slot.toString(16)}`, ...members }),
];

/** The n-th of up to 16 devices of a kind: eight functions to a slot, in two slots. */
function nth(kind: string, firstSlot: number, index: number, members: Parameters<typeof qemuOption>[1]): string[] {
  const addr = `0x${(firstSlot + Math.floor(index / 8)).toString(16)}.${index % 8}`;
  return ['-device', qemuOption(kind, { bus: 'pcie.0', addr, multifunction: index % 8 === 0 ? true : undefined, ...members })];
}
