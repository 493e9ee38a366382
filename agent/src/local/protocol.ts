import { ProblemView } from '@drover/shared/lib/problem';
import { GuestPower, Power } from '@drover/shared/model/guest';
import { Condition } from '@drover/shared/model/resource';
import { z } from 'zod';

/**
 * What root and the agent on the same host say to each other, over a socket in the agent's run folder: a line of JSON each. One request
 * to a connection, and one answer. A console goes on from there, until either side closes.
 */
export const socketPath = (runPath: string): string => `${runPath}/agent.sock`;

export const LINE_BYTES_MAX = 1_048_576;

/** A guest as people name it: by its name or its id. */
const GuestName = z.string().min(1).max(64);

export const LocalRequest = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('status') }),
  z.strictObject({ do: z.literal('guests') }),
  z.strictObject({ do: z.literal('power'), guest: GuestName, power: Power }),
  z.strictObject({ do: z.literal('console'), guest: GuestName }),
  z.strictObject({ do: z.literal('pause'), reason: z.string().max(500) }),
  z.strictObject({ do: z.literal('resume') }),
  /** The host goes down: guests are ended in order, and nothing is started any more. Answered once they are. */
  z.strictObject({ do: z.literal('host-down') }),
]);
export type LocalRequest = z.infer<typeof LocalRequest>;

/** After a console was opened. Bytes are in base64. */
export const ConsoleInput = z.union([
  z.object({ in: z.string() }),
  z.object({ end: z.literal(true) }),
  z.object({ resize: z.tuple([z.number().int().min(1).max(10_000), z.number().int().min(1).max(10_000)]) }),
]);
export type ConsoleInput = z.infer<typeof ConsoleInput>;

export const LocalAnswer = z.union([
  /** The console is there: what is typed from now on reaches it. */
  z.object({ begun: z.literal(true) }),
  z.object({ out: z.string() }),
  z.object({ problem: ProblemView }),
  z.object({ done: z.unknown() }),
]);
export type LocalAnswer = z.infer<typeof LocalAnswer>;

export const LocalGuest = z.object({
  id: z.number().int(),
  name: z.string(),
  type: z.enum(['vm', 'container']),
  power: GuestPower,
  addresses: z.array(z.string()),
  startedAtMs: z.number().int().nullable(),
  /** Null: it has not been looked at since the agent started. */
  condition: Condition.nullable(),
  waitingFor: z.string().nullable(),
  problem: z.string().nullable(),
  /** What somebody asked for on this host, and still holds. */
  local: z.object({ power: Power, atMs: z.number().int() }).nullable(),
});
export type LocalGuest = z.infer<typeof LocalGuest>;
export const LocalGuests = z.array(LocalGuest);

export const LocalStatus = z.object({
  name: z.string(),
  hostId: z.string(),
  controlPlaneUrl: z.string(),
  version: z.string(),
  /** Starts of this agent. */
  start: z.number().int(),
  link: z.object({
    connected: z.boolean(),
    sinceMs: z.number().int(),
    /** Why there is none; null while there is one, or when that is not known. */
    why: z.string().nullable(),
  }),
  paused: z.object({ reason: z.string(), sinceMs: z.number().int() }).nullable(),
  isGoingDown: z.boolean(),
  guests: z.object({ running: z.number().int(), total: z.number().int() }),
  /** What needs a person. */
  attention: z.array(z.object({ what: z.string(), detail: z.string(), suggestion: z.string().optional() })),
});
export type LocalStatus = z.infer<typeof LocalStatus>;
