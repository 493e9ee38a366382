import { z } from 'zod';
import { ProblemView } from '../lib/problem.ts';
import { GuestFigures, HostFigures } from '../model/figures.ts';
import { Tag } from '../model/guest.ts';
import { DiskHealth, HostDisk, HostNic, NumaNode, PciDevice, UsbDevice } from '../model/hardware.ts';
import { GuestId, HostId } from '../model/id.ts';
import { ImageForm } from '../model/image.ts';
import { Condition } from '../model/resource.ts';

/** What the API answers about a host beyond its own view. Sizes are bytes, times epoch milliseconds; what is not known is absent or null, never zero. */

const HostRef = z.object({ id: HostId, name: z.string() });

/** GET /hosts/{host}/hardware. */
export const HardwareView = z.object({
  host: HostRef,
  /** False: the host has not said what it is made of, as an agent of before never does. */
  isKnown: z.boolean(),
  processorFlags: z.array(z.string()),
  numa: z.array(NumaNode),
  disks: z.array(HostDisk.extend({ health: DiskHealth })),
  nics: z.array(HostNic),
  pci: z.array(PciDevice),
  usb: z.array(UsbDevice),
  /** Lists that were too long to be sent whole. */
  cut: z.array(z.string()),
});
export type HardwareView = z.infer<typeof HardwareView>;

/** GET /hosts/{host}/figures, and the event `figures` of a stream that asked for them. */
export const HostFiguresView = z.object({
  host: HostRef,
  /** When they were measured, by the control plane's clock; null: none were told. */
  atMs: z.number().int().nullable(),
  /** How long ago that was as this answer was made. */
  ageMs: z.number().int().nullable(),
  figures: HostFigures.nullable(),
  guests: z.array(GuestFigures),
  /** There are more guests than were told of. */
  guestsAreCut: z.boolean(),
});
export type HostFiguresView = z.infer<typeof HostFiguresView>;

/** GET /guests/{guest}/figures. */
export const GuestFiguresView = z.object({
  guest: GuestId,
  atMs: z.number().int().nullable(),
  ageMs: z.number().int().nullable(),
  /** Null: it does not run, or its host says nothing of it. */
  figures: GuestFigures.nullable(),
});
export type GuestFiguresView = z.infer<typeof GuestFiguresView>;

/** POST /hosts/{host}/replace: what becomes of each thing. Content of disks is on the new machine only where its storage was there already. */
export const ReplacedHost = z.object({
  from: HostRef,
  to: HostRef,
  guests: z.array(
    z.object({
      id: GuestId,
      name: z.string(),
      /** It is started once it is made; else it is off until somebody starts it. */
      starts: z.boolean(),
      /** What each begins as when it is not there; null: empty. */
      disks: z.array(z.object({ name: z.string(), image: z.string().nullable() })),
    }),
  ),
  /** there: the new host has one of that name. upload-again: what was sent in is not kept here. */
  images: z.array(z.object({ name: z.string(), form: ImageForm, becomes: z.enum(['there', 'made-anew', 'upload-again']) })),
  /** `isThere`: the new host's own of that name is used as it is. */
  storages: z.array(z.object({ name: z.string(), isThere: z.boolean() })),
  networks: z.array(z.object({ name: z.string(), isThere: z.boolean() })),
});
export type ReplacedHost = z.infer<typeof ReplacedHost>;

/** What people wish of a host as a whole. */
export const HostSettings = z.object({
  tags: z.array(Tag),
  notes: z.string(),
  location: z.string(),
  startDelayS: z.number().int(),
  maintenance: z.boolean(),
  /** pending: the host has not acknowledged them yet. null: nobody has set any. */
  condition: z.union([Condition, z.literal('pending')]).nullable(),
  problem: ProblemView.nullable(),
});
export type HostSettings = z.infer<typeof HostSettings>;
