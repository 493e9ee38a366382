import { z } from 'zod';
import { ReportedProblem } from '../lib/problem.ts';
import { GuestId } from './id.ts';
import { ResourceRef } from './resource.ts';

const relay = { /** One-time ticket of the relay (`/relay/{ticket}`) that the agent dials. */ ticket: z.string().regex(/^[a-z0-9]{40}$/) };
const cancelled = z.boolean().default(false);

/** A thing to do once. `apply` only waits, in the control plane, for a generation to hold; the others are sent to the host. */
export const TaskSpec = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('apply'), target: ResourceRef, generation: z.number().int().min(1), cancelled }),
  z.strictObject({ do: z.literal('guest.reboot'), guestId: GuestId, force: z.boolean(), cancelled }),
  z.strictObject({
    do: z.literal('guest.exec'),
    guestId: GuestId,
    command: z.array(z.string().max(65_536)).min(1).max(256),
    tty: z.boolean(),
    ...relay,
    cancelled,
  }),
  z.strictObject({ do: z.literal('guest.console'), guestId: GuestId, ...relay, cancelled }),
]);
export type TaskSpec = z.infer<typeof TaskSpec>;
export type TaskSpecOf<D extends TaskSpec['do']> = Extract<TaskSpec, { do: D }>;

/** queued: not yet with the host. running. The last three are final. */
export const TaskState = z.enum(['queued', 'running', 'done', 'failed', 'cancelled']);
export type TaskState = z.infer<typeof TaskState>;

/** What an agent reports of a task it runs. */
export const TaskStatus = z.object({
  state: TaskState.default('running'),
  result: z.record(z.string(), z.unknown()).optional(),
  problem: ReportedProblem.optional(),
});
export type TaskStatus = z.infer<typeof TaskStatus>;
