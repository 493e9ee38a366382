import { z } from 'zod';
import { GuestId } from './id.ts';

/** Live figures: how a host and its guests are doing now. What cannot be measured is absent, never zero. Old ones are worthless: none is sent twice. */

const Fraction = z.number().min(0);
const Bytes = z.number().min(0);
/** Bytes a second, over the time since the figures before. */
const Rates = z.object({ in: Bytes, out: Bytes });

/** Share of the last ten seconds in which some, or all, had to wait for it. The kernel's PSI. */
const Pressure = z.object({ some: Fraction, full: Fraction.optional() });

const Filled = z.object({ totalBytes: Bytes, usedBytes: Bytes });

export const HostFigures = z.object({
  uptimeS: z.number().min(0).optional(),
  /** Over 1, 5 and 15 minutes. */
  load: z.tuple([z.number(), z.number(), z.number()]).optional(),
  /** Of all processors together, 0 to 1. */
  cpu: Fraction.optional(),
  /** `used` is what cannot be had without taking it from somebody: total less available. */
  memory: Filled.extend({ availableBytes: Bytes }).optional(),
  swap: Filled.optional(),
  pressure: z.object({ cpu: Pressure.optional(), memory: Pressure.optional(), io: Pressure.optional() }).optional(),
  storages: z.array(Filled.extend({ id: z.string(), name: z.string() })).optional(),
  /** Of all disks: in is read, out is written. */
  disk: Rates.optional(),
  /** Over the physical cards. */
  network: Rates.optional(),
});
export type HostFigures = z.infer<typeof HostFigures>;

export const GuestFigures = z.object({
  id: GuestId,
  /** Of one core: 2 is two cores at full load. */
  cpu: Fraction.optional(),
  memoryBytes: Bytes.optional(),
  /** in is read, out is written. */
  disk: Rates.optional(),
  /** As the guest sees it: in is what it receives. */
  network: Rates.optional(),
});
export type GuestFigures = z.infer<typeof GuestFigures>;

export const Figures = z.object({
  /** By the host's own clock. */
  atMs: z.number().int(),
  host: HostFigures,
  /** Of guests that run. */
  guests: z.array(GuestFigures).default([]),
  /** There are more guests than fit into a report. */
  guestsAreCut: z.boolean().optional(),
});
export type Figures = z.infer<typeof Figures>;
