import { z } from 'zod';
import { Inventory } from '../model/host.ts';
import { HostId } from '../model/id.ts';
import { Resource, ResourceRef, ResourceStatus } from '../model/resource.ts';

export const PROTOCOL_VERSION = 1;
/** Every broker that Drover runs on carries this much; a report is split below it. */
export const MESSAGE_BYTES_MAX = 128 * 1024;

/** The one message down: make this resource so. Travels as a compact JWS (EdDSA) signed by the control plane for one host. */
export const Command = z.strictObject({
  v: z.literal(PROTOCOL_VERSION),
  host: HostId,
  resource: Resource,
  /** The newest `sentAtMs` of this host's own clock that the control plane had seen. */
  asOfMs: z.number().int(),
  issuedAtMs: z.number().int(),
  expiresAtMs: z.number().int(),
});
export type Command = z.infer<typeof Command>;

/** A line of output of a step, for the log of the tasks that wait for the resource. */
export const LogLine = z.object({ ...ResourceRef.shape, atMs: z.number().int(), line: z.string().max(2_000) });
export type LogLine = z.infer<typeof LogLine>;

export const Hello = z.object({
  protocol: z.number().int(),
  inventory: Inventory,
  /** Every resource in the journal: shows the control plane what this host believes, after either side was restored. */
  journal: z.array(z.object({ ...ResourceRef.shape, generation: z.number().int(), digest: z.string() })),
});
export type Hello = z.infer<typeof Hello>;

/** The one message up. Whole for the resources it mentions; ordered by (boot, sequence). Read leniently. */
export const Report = z.object({
  v: z.number().int(),
  host: HostId,
  /** Random, one per connection: a last will counts only for the session it belongs to. */
  session: z.string(),
  /** Starts of the agent, counted in its journal. */
  boot: z.number().int(),
  sequence: z.number().int(),
  sentAtMs: z.number().int(),
  hello: Hello.optional(),
  statuses: z.array(ResourceStatus).default([]),
  log: z.array(LogLine).default([]),
});
export type Report = z.infer<typeof Report>;

/** The answer to a report. `sequence` acknowledges it: what it carried need not be sent again. */
export const Reply = z.object({
  v: z.number().int(),
  boot: z.number().int(),
  sequence: z.number().int(),
  /** The control plane has lost or never had this host's session: say hello. */
  helloWanted: z.boolean().default(false),
  /** In answer to a hello: the last (boot, sequence) known, so that an agent restored from backup steps above it. */
  lastBoot: z.number().int().optional(),
  atMs: z.number().int(),
});
export type Reply = z.infer<typeof Reply>;

/** Last will, or said before leaving; counts only if `session` is the current one. */
export const Gone = z.object({ v: z.number().int(), session: z.string(), reason: z.string() });
export type Gone = z.infer<typeof Gone>;
