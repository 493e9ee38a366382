import { z } from 'zod';
import { ReportedProblem } from '../lib/problem.ts';
import { Figures } from '../model/figures.ts';
import { Hardware } from '../model/hardware.ts';
import { Inventory } from '../model/host.ts';
import { HostId } from '../model/id.ts';
import { Resource, ResourceRef, ResourceStatus } from '../model/resource.ts';

export const PROTOCOL_VERSION = 1;
/** Every broker that Drover runs on carries this much; a report is split below it. */
export const MESSAGE_BYTES_MAX = 128 * 1024;

/** More than any host will ever count to: what is above is no count, and nobody can be made to step above it. */
const COUNT_MAX = 2 ** 50;
const Count = z.number().int().min(0).max(COUNT_MAX);

/** The one message down: make this resource so. Travels as a compact JWS (EdDSA) signed by the control plane for one host. */
export const Command = z.strictObject({
  v: z.literal(PROTOCOL_VERSION),
  host: HostId,
  /** Grows with every command to this host: one that was captured and is played back later is known by it, whatever the journal has forgotten. */
  counter: Count,
  resource: Resource,
  /** The newest `sentAtMs` of this host's own clock that the control plane had seen. */
  asOfMs: z.number().int(),
  issuedAtMs: z.number().int(),
  expiresAtMs: z.number().int(),
});
export type Command = z.infer<typeof Command>;

const Session = z.string().min(1).max(64);

/** A line of output of a step, for the log of the tasks that wait for the resource. */
export const LogLine = z.object({ ...ResourceRef.shape, atMs: z.number().int(), line: z.string().max(2_000) });
export type LogLine = z.infer<typeof LogLine>;

export const Hello = z.object({
  protocol: z.number().int(),
  /** Random, one per start of the agent: one that comes back after another has spoken is a second agent with the same key. */
  run: z.string().max(64).optional(),
  /** The highest counter of a command that it has taken: those to come are above it. */
  counter: Count.optional(),
  inventory: Inventory,
  /** Every resource in the journal: shows the control plane what this host believes, after either side was restored. */
  journal: z.array(z.object({ ...ResourceRef.shape, generation: Count, digest: z.string().max(64) })),
  /** The journal holds more than fits: what is not listed is not said to be missing. */
  journalIsCut: z.boolean().optional(),
});
export type Hello = z.infer<typeof Hello>;

/** A command that was signed for this host and that its agent does not understand: it will not be carried out until one of the two is upgraded. */
export const Refusal = z.object({
  kind: z.string().max(48),
  id: ResourceRef.shape.id,
  generation: Count,
  problem: ReportedProblem,
});
export type Refusal = z.infer<typeof Refusal>;

/** The one message up. Whole for the resources it mentions; ordered by (boot, sequence). Read leniently. */
export const Report = z.object({
  v: z.number().int(),
  host: HostId,
  /** Random, one per connection: a last will counts only for the session it belongs to. */
  session: Session,
  /** Starts of the agent, counted in its journal. */
  boot: Count,
  sequence: Count,
  sentAtMs: z.number().int(),
  hello: Hello.optional(),
  /** In a report without a hello: the answer to `hardwareWanted`. */
  hardware: Hardware.optional(),
  /** In a report without a hello, at most every 30 s; never sent again. */
  figures: Figures.optional(),
  refused: z.array(Refusal).optional(),
  statuses: z.array(ResourceStatus).default([]),
  log: z.array(LogLine).default([]),
});
export type Report = z.infer<typeof Report>;

/** The answer to a report. `sequence` acknowledges it: what it carried need not be sent again. */
export const Reply = z.object({
  v: z.number().int(),
  boot: Count,
  sequence: Count,
  /** The control plane has lost or never had this host's session: say hello. */
  helloWanted: z.boolean().default(false),
  /** The hello named another `hardwareDigest` than is known here: say what it is made of. */
  hardwareWanted: z.boolean().optional(),
  atMs: z.number().int(),
});
export type Reply = z.infer<typeof Reply>;

/**
 * The answer to a report that counts from too low: the agent was restored from a backup, and must step above what was seen.
 * Signed like a command, because a broker could otherwise count it up to where no number is left.
 */
export const BootReply = Reply.extend({
  host: HostId,
  lastBoot: Count,
  expiresAtMs: z.number().int(),
});
export type BootReply = z.infer<typeof BootReply>;
export type AnyReply = Reply & Partial<Pick<BootReply, 'lastBoot'>>;

/** Last will, or said before leaving; counts only if `session` is the current one. */
export const Gone = z.object({ v: z.number().int(), session: Session, reason: z.string().max(1_000) });
export type Gone = z.infer<typeof Gone>;
