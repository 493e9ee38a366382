import type { ProblemView } from '@drover/shared/lib/problem';
import type { HostId, ImageId, TaskId } from '@drover/shared/model/id';
import type { Activity, ResourceKind, ResourceRef, ResourceStatus } from '@drover/shared/model/resource';
import type { Wish } from '@drover/shared/model/spec';
import type { TaskSpec, TaskState } from '@drover/shared/model/task';
import type { PublicKey } from '@drover/shared/protocol/agent-api';

type AnyHeld = Wish & {
  /** The newest generation that the host has journalled. */
  readonly ackedGeneration: number;
  /** The newest generation that was seen to hold. */
  readonly appliedGeneration: number;
  /** The host's last words about it; null until the first. */
  readonly status: ResourceStatus | null;
  readonly createdAtMs: number;
};
/** A resource as the control plane holds it: the wish, and what its host has said of it. */
export type Held<K extends ResourceKind = ResourceKind> = Extract<AnyHeld, { readonly kind: K }>;

export const isKind =
  <K extends ResourceKind>(kind: K) =>
  (held: Held): held is Held<K> =>
    held.kind === kind;

export interface Host {
  readonly id: HostId;
  readonly name: string;
  readonly publicKey: PublicKey;
  /** The key before, which counts until the new one has been used for the first time; null: there is none. */
  readonly previousKey: PublicKey | null;
  readonly cell: string;
  /** The newest (boot, sequence) absorbed: older reports are dropped. */
  readonly boot: number;
  readonly sequence: number;
  /** The connection that its last report came over; null: none yet. */
  readonly session: string | null;
  readonly connected: boolean;
  readonly heardAtMs: number | null;
  readonly progressAtMs: number | null;
  /** The newest sentAtMs of its own clock that was seen. */
  readonly asOfMs: number;
  /** Things that are there and that nobody wished for. */
  readonly orphans: readonly ResourceRef[];
  readonly enrolledAtMs: number;
  /** Since when it is cut off, by a person; null: it is not. */
  readonly revokedAtMs: number | null;
  /** The start of the agent that last said hello, and the one before it. */
  readonly run: string | null;
  readonly previousRun: string | null;
  /** When a start of the agent that had been replaced by another spoke again: there are two with one key. */
  readonly cloneSeenAtMs: number | null;
  /** How far its clock was ahead of ours by its last report. */
  readonly clockAheadMs: number | null;
}

/** What an `apply` task waits to see done, and so what cancelling it means; act: the host carries out the task itself. */
export type TaskPurpose = 'create' | 'edit' | 'start' | 'shutdown' | 'stop' | 'delete' | 'act';

/** A task as people follow it. One that a host runs (all but `apply`) has a resource of kind task with the same id beside it, until it has ended. */
export interface Task {
  readonly id: TaskId;
  readonly purpose: TaskPurpose;
  readonly spec: TaskSpec;
  /** "create guest web". */
  readonly title: string;
  readonly target: ResourceRef;
  readonly targetName: string;
  readonly hostId: HostId | null;
  readonly state: TaskState;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | null;
  readonly deadlineAtMs: number | null;
  readonly problem: ProblemView | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly activity: Activity | null;
  readonly waitingFor: string | null;
  /** The image that has to be there first; `made`: this very task asked for it. */
  readonly image: { readonly id: ImageId; readonly made: boolean } | null;
}

export const isFinished = (state: TaskState): boolean => state === 'done' || state === 'failed' || state === 'cancelled';
