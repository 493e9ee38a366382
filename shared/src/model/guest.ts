import { z } from 'zod';
import { ImageId, Name, NetworkId, StorageId } from './id.ts';

export const MiB = 2 ** 20;
export const GiB = 2 ** 30;

/** So many bytes; who goes beyond a bound reads it in a unit. */
const bytesIn = (min: number, max: number) =>
  z
    .number()
    .int()
    .min(min, `at least ${min / MiB} MiB`)
    .max(max, `at most ${max / GiB} GiB`);

/** running: keep it running. shutdown: ask the guest to end by itself. off: end it now. */
export const Power = z.enum(['running', 'shutdown', 'off']);
export type Power = z.infer<typeof Power>;

export const Tag = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,39}$/, 'use 1 to 40 small letters, digits, dots, hyphens and underscores');
/** One line: an authorized_keys entry. Control characters would end the line that it is written to. */
export const SshKey = z
  .string()
  .max(8_192)
  .regex(/^(ssh-|ecdsa-|sk-)[^\p{Cc}]+$/u, 'an SSH public key, as in id_ed25519.pub');

export const Disk = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9]{0,14}$/),
  storageId: StorageId,
  sizeBytes: bytesIn(64 * MiB, 64 * 1024 * GiB),
  /** What it begins as; null: empty. */
  imageId: ImageId.nullable(),
});
export type Disk = z.infer<typeof Disk>;

export const Nic = z.strictObject({
  name: z.string().regex(/^net[0-9]{1,2}$/),
  networkId: NetworkId,
  mac: z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/),
});
export type Nic = z.infer<typeof Nic>;

const common = {
  name: Name,
  tags: z.array(Tag).max(32),
  notes: z.string().max(16_384),
  power: Power,
  /** Grows by one each time somebody asks for a power state: tells a fresh "start" from one that the guest has since ended by itself. */
  powerRequest: z.number().int().min(0),
  startAtBoot: z.boolean(),
  // Absent means the default, and is left out then: an agent of before refuses what it does not know.
  /** Lower ones start first when the host boots and end last when it goes down, those of one number together; without one: after all that have one. */
  startOrder: z.number().int().min(0).max(9_999).optional(),
  /** Seconds that the next ones wait once this one has started. Absent: none. */
  startDelayS: z.number().int().min(0).max(3_600).optional(),
  /** Seconds that it is given to shut down when the host goes down. Absent: SHUTDOWN_TIMEOUT_S. */
  shutdownTimeoutS: z.number().int().min(0).max(3_600).optional(),
  memoryBytes: bytesIn(16 * MiB, 16 * 1024 * GiB),
  cores: z.number().int().min(1).max(512),
  /** The first is the root disk. */
  disks: z.array(Disk).min(1).max(16),
  nics: z.array(Nic).max(16),
  /** For root's authorized_keys, written when the guest is first made. */
  sshKeys: z.array(SshKey).max(32),
};

export const ContainerSpec = z.strictObject({
  type: z.literal('container'),
  ...common,
  swapBytes: bytesIn(0, 16 * 1024 * GiB),
  processesMax: z.number().int().min(16).max(4_194_304),
  unprivileged: z.boolean(),
});
export type ContainerSpec = z.infer<typeof ContainerSpec>;

export const VmSpec = z.strictObject({
  type: z.literal('vm'),
  ...common,
  firmware: z.enum(['uefi', 'bios']),
  /** An ISO image in the CD drive, booted from when the root disk is empty. */
  cdromImageId: ImageId.nullable(),
});
export type VmSpec = z.infer<typeof VmSpec>;

export const GuestSpec = z.discriminatedUnion('type', [ContainerSpec, VmSpec]);
export type GuestSpec = z.infer<typeof GuestSpec>;
export type GuestType = GuestSpec['type'];

/** How long a guest is given to shut down when its host goes down, before it is ended: as Proxmox VE does. */
export const SHUTDOWN_TIMEOUT_S: Readonly<Record<GuestType, number>> = { vm: 180, container: 60 };

/** How the last run of a guest came to its end. self: it powered itself off. asked: Drover ended it. crash: it or its process died. host: the host went down under it. */
export const RunEnd = z.enum(['self', 'asked', 'crash', 'host']);
export type RunEnd = z.infer<typeof RunEnd>;

export const GuestPower = z.enum(['running', 'stopped', 'unknown']);

export const GuestStatus = z.object({
  power: GuestPower,
  addresses: z.array(z.string()).default([]),
  startedAtMs: z.number().int().nullable().default(null),
  /** Why it is not running, or how the last run ended. */
  end: RunEnd.nullable().default(null),
  endedAtMs: z.number().int().nullable().default(null),
  /** Times it was restarted after a crash since it was last asked to run. */
  crashes: z.number().int().default(0),
  /** What somebody asked for on the host itself, by `drover-agent guests`, since the wish was last asked for. It holds until that is asked for anew. */
  local: z.object({ power: Power, atMs: z.number().int() }).optional().catch(undefined),
  /** Why a guest that runs stands still: "the storage of disk root is full". Absent while it goes on. */
  paused: z.string().optional(),
  /** "kvm", "tcg" for VMs; absent for containers. */
  accelerator: z.string().optional(),
  /** Changes that count from the next start on: "memoryBytes", "cores". */
  needsRestart: z.array(z.string()).default([]),
});
export type GuestStatus = z.infer<typeof GuestStatus>;

/** The locally administered MAC address of a guest's NIC: same guest, same address, on every host. */
export function macOf(guestId: number, nicIndex: number): string {
  const bytes = [0x52, 0x54, (nicIndex + 1) & 0xff, (guestId >> 16) & 0xff, (guestId >> 8) & 0xff, guestId & 0xff];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
