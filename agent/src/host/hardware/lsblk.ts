import type { HostDisk } from '@drover/shared/model/hardware';
import { z } from 'zod';
import { known } from './sysfs.ts';

export const LSBLK_ARGUMENTS: readonly string[] = [
  '--json',
  '--bytes',
  '--output=NAME,TYPE,SIZE,MODEL,SERIAL,ROTA,TRAN,FSTYPE,LABEL,MOUNTPOINTS',
];

interface BlockDevice {
  readonly name: string;
  readonly type: string;
  readonly size: number | null;
  readonly model: string | null;
  readonly serial: string | null;
  readonly rota: boolean | null;
  readonly tran: string | null;
  readonly fstype: string | null;
  readonly label: string | null;
  readonly mountpoints: readonly (string | null)[];
  readonly children: readonly BlockDevice[];
}

const text = z
  .string()
  .nullish()
  .transform((value) => value?.trim() || null);
const BlockDevice: z.ZodType<BlockDevice> = z.object({
  name: z.string(),
  type: z.string(),
  size: z.coerce
    .number()
    .int()
    .nullish()
    .transform((value) => value ?? null),
  model: text,
  serial: text,
  rota: z
    .boolean()
    .nullish()
    .transform((value) => value ?? null),
  tran: text,
  fstype: text,
  label: text,
  mountpoints: z.array(z.string().nullable()).default([]),
  get children(): z.ZodDefault<z.ZodArray<z.ZodType<BlockDevice>>> {
    return z.array(BlockDevice).default([]);
  },
});
const Lsblk = z.object({ blockdevices: z.array(BlockDevice) });

/** Memory that plays a disk, and disks over the network. Loop devices have a type of their own. */
const NO_HARDWARE = /^(zram|ram|nbd|rbd)/;

/** Partitions and what lies on them are named by what they hold, not by their numbers. */
const MEMBERS: Readonly<Record<string, string>> = {
  LVM2_member: 'LVM',
  linux_raid_member: 'RAID',
  zfs_member: 'ZFS pool',
  crypto_LUKS: 'encrypted',
  swap: 'swap',
};

/** Throws when it is not what lsblk says. Whole disks alone, each without its health. */
export function parseLsblk(output: string): Omit<HostDisk, 'health'>[] {
  const { blockdevices } = Lsblk.parse(JSON.parse(output));
  return blockdevices
    .filter(({ name, type, size }) => type === 'disk' && (size ?? 0) > 0 && !NO_HARDWARE.test(name))
    .map((disk) => ({
      name: disk.name,
      sizeBytes: disk.size ?? 0,
      ...known({ model: disk.model, serial: disk.serial, rotational: disk.rota, transport: disk.tran }),
      usedBy: [...new Set(usersOf(disk))],
    }));
}

function usersOf({ fstype, label, mountpoints, children }: BlockDevice): string[] {
  const mounted = mountpoints.flatMap((path) => (path === null || path === '[SWAP]' ? [] : [`${path}${fstype ? ` (${fstype})` : ''}`]));
  const below = children.flatMap(usersOf);
  if (mounted.length > 0) return [...mounted, ...below];
  const member = MEMBERS[fstype ?? ''];
  if (member !== undefined) return [label ? `${member} ${label}` : member, ...below];
  return fstype === null ? below : [`${fstype}, not mounted`, ...below];
}
