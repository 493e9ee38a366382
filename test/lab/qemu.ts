import { join } from 'node:path';
import type { QemuHost } from '../../agent/src/drivers/guest/qemu-command.ts';
import { type OptionValue, qemuOption } from '../../agent/src/drivers/guest/qemu-option.ts';
import type { LabImage } from './image.ts';
import { NIC } from './recipe.ts';

/**
 * What is different between the first boot of an image, which is saved; the hosts that go on from there; and a host that boots after its power was
 * pulled. Devices are the same for all, as a saved state fits only the machine that it was taken of.
 */
export type Start = { readonly kind: 'save' | 'resume'; readonly ramPath: string } | { readonly kind: 'boot' };

export interface MachinePlaces {
  readonly folder: string;
  readonly uuid: string;
  readonly mac: string;
  readonly tap: string;
  /** The disk it boots from: a file, or the socket of its store. */
  readonly root: { readonly path: string } | { readonly socketPath: string };
  /** What lies below that disk, the nearest first. */
  readonly below: readonly { readonly format: 'raw' | 'qcow2'; readonly path: string }[];
  /** Disks that were added: name and socket. */
  readonly disks: readonly { readonly name: string; readonly socketPath: string }[];
}

/** Translated code of an emulated processor: QEMU takes a gigabyte for it unless told, and three hosts must fit in eight. */
const TRANSLATED_MIB = 256;

const KERNEL_OPTIONS = [
  'root=LABEL=root rw rootfstype=ext4 console=tty0 console=ttyS0,115200',
  // What takes seconds where the processor is emulated: as in Drover's own images, and the defences against hardware that is not there.
  'lsm=landlock,lockdown,yama,apparmor cryptomgr.notests=1 mitigations=off',
].join(' ');

export const qmpPath = (folder: string): string => join(folder, 'qmp.sock');
export const agentPath = (folder: string): string => join(folder, 'agent.sock');
export const serialPath = (folder: string): string => join(folder, 'serial.sock');
export const consolePath = (folder: string): string => join(folder, 'console.log');

/** The argv of a host's QEMU, without the program's name. Pure. */
export function machineCommand(
  host: QemuHost,
  image: Pick<LabImage, 'kernelPath' | 'initrdPath'>,
  memoryMiB: number,
  start: Start,
  places: MachinePlaces,
): string[] {
  const { folder } = places;
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-machine', qemuOption('q35', { 'memory-backend': 'ram', 'hpet': false, 'vmport': false, 'smm': false })],
    ...processor(host),
    ...['-smp', '1', '-m', `${memoryMiB}M`, '-uuid', places.uuid],
    ...memory(memoryMiB, start),
    ...['-rtc', qemuOption(null, { base: 'utc' })],
    // Tells the kernel after a resume that it is another machine now: it makes its random numbers anew at once.
    ...['-device', qemuOption('vmgenid', { guid: places.uuid })],
    ...['-object', qemuOption('rng-random', { id: 'rng', filename: '/dev/urandom' })],
    ...device('virtio-rng-pci', 2, { rng: 'rng' }),
    ...device('VGA', 3, {}),
    ...socket('qmp', qmpPath(folder)),
    ...['-mon', qemuOption(null, { chardev: 'qmp', mode: 'control' })],
    ...socket('agent', agentPath(folder)),
    ...device('virtio-serial-pci', 4, { id: 'channels' }),
    ...['-device', qemuOption('virtserialport', { bus: 'channels.0', chardev: 'agent', name: 'org.qemu.guest_agent.0' })],
    ...socket('serial', serialPath(folder), { logfile: consolePath(folder), logappend: true }),
    ...['-device', qemuOption('isa-serial', { chardev: 'serial' })],
    ...['-netdev', qemuOption('tap', { id: 'net', ifname: places.tap, script: 'no', downscript: 'no' })],
    ...device('virtio-net-pci', NIC.slot, { netdev: 'net', mac: places.mac, romfile: '' }),
    ...['-blockdev', qemuOption(null, rootDisk(places, start))],
    ...device('virtio-blk-pci', 10, { drive: 'root' }),
    ...device('virtio-scsi-pci', 11, { id: 'disks' }),
    ...places.disks.flatMap(({ name, socketPath }) => [
      ...['-blockdev', qemuOption(null, { 'driver': 'raw', 'node-name': name, ...flat('file.', nbd(socketPath)) })],
      ...['-device', qemuOption('scsi-hd', { bus: 'disks.0', drive: name, id: `${name}-device`, serial: name })],
    ]),
    ...['-kernel', image.kernelPath, '-initrd', image.initrdPath, '-append', KERNEL_OPTIONS],
    // The monitor says when, as it must first be told that the memory comes by itself.
    ...(start.kind === 'resume' ? ['-incoming', 'defer'] : []),
  ];
}

function processor(host: QemuHost): string[] {
  if (host.kvm) return ['-accel', 'kvm', '-cpu', 'host'];
  // See qemu-command.ts for cx16; svm gives the host a /dev/kvm that works, emulated as the rest of it.
  const cpu = qemuOption('max', { svm: true, cx16: host.major < 8 ? false : undefined });
  return ['-accel', qemuOption('tcg', { 'thread': 'multi', 'tb-size': TRANSLATED_MIB }), '-cpu', cpu];
}

/**
 * The memory of the first boot is a file. The hosts made of it map that file privately: nothing is read before it is used, what none of them
 * changes is there once for all, and a resume takes some hundredths of a second.
 */
function memory(memoryMiB: number, start: Start): string[] {
  const size = `${memoryMiB}M`;
  if (start.kind === 'boot') return ['-object', qemuOption('memory-backend-ram', { id: 'ram', size })];
  return ['-object', qemuOption('memory-backend-file', { 'id': 'ram', size, 'mem-path': start.ramPath, 'share': start.kind === 'save' })];
}

/** Every layer is named, so that nothing depends on the paths that a file remembers. */
function rootDisk({ root, below }: MachinePlaces, { kind }: Start): Record<string, OptionValue> {
  const file = 'path' in root ? { 'driver': 'file', 'filename': root.path } : nbd(root.socketPath);
  return {
    'driver': 'qcow2',
    'node-name': 'root',
    'discard': 'unmap',
    // Whoever saves an image starts anew when it fails.
    'cache.no-flush': kind === 'save',
    ...flat('file.', file),
    ...Object.assign(
      {},
      ...below.map(({ format, path }, index) =>
        flat('backing.'.repeat(index + 1), { 'driver': format, 'file.driver': 'file', 'file.filename': path }),
      ),
    ),
  };
}

export const nbd = (socketPath: string) => ({ 'driver': 'nbd', 'server.type': 'unix', 'server.path': socketPath });

const flat = (prefix: string, members: Readonly<Record<string, OptionValue>>): Record<string, OptionValue> =>
  Object.fromEntries(Object.entries(members).map(([key, value]) => [`${prefix}${key}`, value]));

const socket = (id: string, path: string, more = {}): string[] => [
  '-chardev',
  qemuOption('socket', { id, path, server: true, wait: false, ...more }),
];

const device = (kind: string, slot: number, members: Parameters<typeof qemuOption>[1]): string[] => [
  '-device',
  qemuOption(kind, { bus: 'pcie.0', addr: `0x${slot.toString(16)}`, ...members }),
];
