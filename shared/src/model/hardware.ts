import { z } from 'zod';

/** What a host is made of. Everything that could not be learnt is absent: unknown is never shown as none. */

/** good, failing: the disk's own word. unknown: `detail` says why. */
export const DiskHealth = z.object({
  state: z.enum(['good', 'failing', 'unknown']),
  detail: z.string().optional(),
  /** Of what the disk may be written in its life: 0 to 1, and above. */
  worn: z.number().optional(),
  /** In full hundreds: hardware that stays the same is not said again. */
  poweredOnHours: z.number().int().optional(),
});
export type DiskHealth = z.infer<typeof DiskHealth>;

export const HostDisk = z.object({
  name: z.string(),
  sizeBytes: z.number().int(),
  model: z.string().optional(),
  serial: z.string().optional(),
  rotational: z.boolean().optional(),
  /** How it is attached: "nvme", "sata", "virtio". */
  transport: z.string().optional(),
  /** What is on it: "/ (ext4)", "LVM group pve", "swap". Empty: nothing that is known here. */
  usedBy: z.array(z.string()).default([]),
  health: DiskHealth,
});
export type HostDisk = z.infer<typeof HostDisk>;

export const HostNic = z.object({
  name: z.string(),
  kind: z.enum(['physical', 'bridge', 'bond', 'vlan', 'other']).catch('other'),
  mac: z.string().optional(),
  driver: z.string().optional(),
  /** Megabits a second, of a link that is there. */
  speedMbps: z.number().int().optional(),
  /** Is there a link? */
  link: z.boolean().optional(),
  /** The bridge or bond that it is part of. */
  master: z.string().optional(),
});
export type HostNic = z.infer<typeof HostNic>;

export const PciDevice = z.object({
  /** "0000:01:00.0". */
  slot: z.string(),
  /** Vendor and device, hexadecimal: "8086:1533". */
  ids: z.string(),
  class: z.string().optional(),
  name: z.string().optional(),
  driver: z.string().optional(),
  iommuGroup: z.number().int().optional(),
});
export type PciDevice = z.infer<typeof PciDevice>;

export const UsbDevice = z.object({
  /** Where it is plugged in: "1-1.4". */
  port: z.string(),
  ids: z.string(),
  name: z.string().optional(),
  serial: z.string().optional(),
});
export type UsbDevice = z.infer<typeof UsbDevice>;

export const NumaNode = z.object({
  node: z.number().int(),
  /** As the kernel lists them: "0-7,16-23". */
  cpus: z.string(),
  memoryBytes: z.number().int(),
});
export type NumaNode = z.infer<typeof NumaNode>;

/** The long lists, apart from the inventory: sent only to a control plane that asks, because it does not know this digest. */
export const Hardware = z.object({
  digest: z.string().max(64),
  processorFlags: z.array(z.string()).default([]),
  numa: z.array(NumaNode).default([]),
  disks: z.array(HostDisk).default([]),
  nics: z.array(HostNic).default([]),
  pci: z.array(PciDevice).default([]),
  usb: z.array(UsbDevice).default([]),
  /** Lists that are longer than a report can carry, and so are not whole here: "pci". */
  cut: z.array(z.string()).default([]),
});
export type Hardware = z.infer<typeof Hardware>;
