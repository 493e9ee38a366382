import type { Inventory } from '@drover/shared/model/host';
import type { GuestId, HostId } from '@drover/shared/model/id';
import type { Held, Host, Task } from './held.ts';
import type { PoolRoom } from './quotas.ts';

/** What each decision looks at: loaded whole before it, by db/store.ts. */

/** A host that a new guest or image could go to. */
export interface HostCandidate {
  readonly host: Host;
  /** Null: it has not introduced itself yet. */
  readonly inventory: Inventory | null;
  readonly storages: readonly Held<'storage'>[];
  readonly networks: readonly Held<'network'>[];
  readonly images: readonly Held<'image'>[];
  /** Null: nobody has set any. */
  readonly settings: Held<'host'> | null;
  /** Memory of the guests that are wished running there. */
  readonly promisedMemoryBytes: number;
}

export interface CreateGuestView {
  readonly nextGuestId: GuestId;
  readonly nameTaken: boolean;
  /** The pool asked for, and those around it; none: in no pool. */
  readonly rooms: readonly PoolRoom[];
  /** The host asked for, or all. */
  readonly candidates: readonly HostCandidate[];
}

export interface GuestDecisionView {
  readonly guest: Held<'guest'>;
  readonly host: Host;
  /** Unfinished tasks about it. */
  readonly tasks: readonly Task[];
  readonly nameTaken: boolean;
  /** The pool that it is in, and those around it. */
  readonly rooms: readonly PoolRoom[];
}

export interface CreateImageView {
  readonly candidates: readonly HostCandidate[];
}

export interface ImageDecisionView {
  readonly image: Held<'image'>;
  readonly host: Host;
  readonly usedBy: readonly { readonly id: GuestId; readonly name: string }[];
  readonly tasks: readonly Task[];
}

export interface TaskDecisionView {
  readonly task: Task;
  /** The resource the task is about; null: gone. */
  readonly target: Held | null;
  /** The resource that carries the task itself to its host; null for `apply`, and once it has ended. */
  readonly carrier: Held<'task'> | null;
  /** The image it waits for. */
  readonly image: ImageDecisionView | null;
  /** The target, when it is an image. */
  readonly targetAsImage: ImageDecisionView | null;
  /** Unfinished tasks about the same target, this one included. */
  readonly tasksOfTarget: readonly Task[];
  readonly hostIsAway: boolean;
}

export interface HostDecisionView {
  readonly host: Host;
  /** Null: it has not introduced itself yet. */
  readonly inventory: Inventory | null;
  readonly resources: readonly Held[];
  readonly tasks: readonly Task[];
  readonly nameTaken: boolean;
}

export interface ReportView {
  readonly host: Host;
  /** Those that the report speaks of, and the targets of the host's unfinished tasks; for a hello, everything on the host. */
  readonly resources: readonly Held[];
  /** All unfinished tasks of the host. */
  readonly tasks: readonly Task[];
  /** For a hello: of the hardware that is known; null: none is. */
  readonly hardwareDigest: string | null;
}

export interface EnrolmentDecisionView {
  /** Null: no such token. */
  readonly enrolment: {
    readonly tokenHash: string;
    readonly name: string | null;
    readonly createdBy: string;
    readonly expiresAtMs: number;
    readonly usedByHostId: HostId | null;
  } | null;
  /** The host that this key already is, or was the first key of. */
  readonly existing: Host | null;
  /** Where a new host goes: the cell with the fewest hosts among those that are reached and do not drain; null: there is none. */
  readonly cell: string | null;
  /** The host of this key was forgotten; null: none was. */
  readonly forgotten: { readonly name: string } | null;
  readonly namesTaken: ReadonlySet<string>;
}
