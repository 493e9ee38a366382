import { z } from 'zod';
import { ReportedProblem } from '../lib/problem.ts';
import { GuestId, HostId } from './id.ts';
import { ResourceRef } from './resource.ts';

const relay = { /** One-time ticket of the relay (`/relay/{ticket}`) that the agent dials. */ ticket: z.string().regex(/^[a-z0-9]{40}$/) };
/** What becomes of the machine itself. Its guests are shut down first. */
export const HostPower = z.enum(['reboot', 'shutdown']);
export type HostPower = z.infer<typeof HostPower>;

const cancelled = z.boolean().default(false);

/** What names a package of the agent. The control plane signs it, so the package is as good as signed, wherever its bytes come from. */
export const AgentRelease = z.strictObject({
  version: z.string().regex(/^[0-9A-Za-z.+~-]{1,64}$/),
  /** Of the program within: the first twelve hex digits of its SHA-256. */
  build: z.string().regex(/^[0-9a-f]{12}$/),
  /** Of the package. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.number().int().min(1),
});
export type AgentRelease = z.infer<typeof AgentRelease>;

/** A thing to do once. `apply` only waits, in the control plane, for a generation to hold, and `fleet.upgrade` has others do it; the rest are sent to the host. */
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
  z.strictObject({ do: z.literal('host.power'), action: HostPower, cancelled }),
  z.strictObject({ do: z.literal('agent.upgrade'), ...AgentRelease.shape, cancelled }),
  z.strictObject({
    do: z.literal('fleet.upgrade'),
    ...AgentRelease.shape,
    /** One after the other; the next begins when the one before has got on. */
    rings: z.array(z.array(HostId)),
    /** Of these the one that is under way. */
    ring: z.number().int().min(0),
    cancelled,
  }),
]);
export type TaskSpec = z.infer<typeof TaskSpec>;
export type TaskSpecOf<D extends TaskSpec['do']> = Extract<TaskSpec, { do: D }>;

/** What the control plane sees to by itself: no host is ever sent one. */
export const HOSTLESS_TASKS = ['apply', 'fleet.upgrade'] as const satisfies readonly TaskSpec['do'][];
export type HostlessTask = (typeof HOSTLESS_TASKS)[number];

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
