import type { AuditFacts } from '@drover/shared/model/audit';
import type { Figures } from '@drover/shared/model/figures';
import type { Hardware } from '@drover/shared/model/hardware';
import type { Inventory } from '@drover/shared/model/host';
import type { HostId, ImageId, TaskId, UserId } from '@drover/shared/model/id';
import type { Deletion, ResourceKind, ResourceRef, ResourceStatus } from '@drover/shared/model/resource';
import type { SpecOf } from '@drover/shared/model/spec';
import type { PublicKey } from '@drover/shared/protocol/agent-api';
import type { Host, Task } from './held.ts';
import type { RightsWrite } from './rights.ts';

/** A new wish: generation 1 makes the resource, a higher one replaces its spec. The version row of that generation is what two writers collide on. */
export type WishWrite = {
  [K in ResourceKind]: {
    readonly kind: K;
    readonly id: string;
    readonly hostId: HostId;
    readonly generation: number;
    readonly spec: SpecOf<K>;
    readonly deletion: Deletion | null;
  };
}[ResourceKind];

/** What a host said of a resource. Never touches the wish. */
export interface ObservationWrite extends ResourceRef {
  readonly ackedGeneration: number;
  readonly appliedGeneration: number;
  readonly status: ResourceStatus | null;
}

/** The parts of a task that change after it was made. A finished task never changes again: the store skips the write. */
export type TaskUpdate = { readonly id: TaskId } & Partial<
  Pick<Task, 'state' | 'finishedAtMs' | 'problem' | 'result' | 'activity' | 'waitingFor' | 'spec' | 'deadlineAtMs'>
>;

/** What is learnt about a host from its reports and its connection. */
export type HostUpdate = {
  readonly id: HostId;
  /** The newest report that the decision knew of: the commit conflicts when another one was absorbed meanwhile. */
  readonly after?: Pick<Host, 'boot' | 'sequence'>;
  readonly inventory?: Inventory;
  readonly hardware?: Hardware;
} & Partial<Omit<Host, 'id' | 'name' | 'cell' | 'enrolledAtMs'>>;

/** A host was heard, and had nothing to say: not worth a commit of its own. Not written when a newer report was. */
export type Heard = Pick<Host, 'id' | 'boot' | 'sequence' | 'heardAtMs' | 'asOfMs' | 'clockAheadMs'> & {
  readonly after: Pick<Host, 'boot' | 'sequence'>;
};

/** How a host is doing. Nobody is told: whoever looks at that host asks. Not written when newer figures were. */
export interface FiguresWrite {
  readonly hostId: HostId;
  /** By our clock. */
  readonly atMs: number;
  readonly figures: Figures;
}

export type EventKind = ResourceKind | 'host' | 'user' | 'token' | 'group' | 'role' | 'grant' | 'pool';
export interface EventWrite {
  readonly kind: EventKind;
  readonly id: string;
  readonly gone: boolean;
}

export interface TaskLogWrite {
  readonly taskId: TaskId;
  readonly atMs: number;
  readonly line: string;
}

/** Everything one decision writes, as data; committed whole or not at all. */
export interface Change {
  readonly by: string;
  readonly atMs: number;
  readonly wishes?: readonly WishWrite[];
  /** Things that this decision relied on being exactly so: still at that generation when it is written, or the commit conflicts. */
  readonly restsOn?: readonly (ResourceRef & { readonly generation: number })[];
  readonly observations?: readonly ObservationWrite[];
  /** Rows that go: the host confirmed that nothing is left, or was forgotten. */
  readonly removals?: readonly ResourceRef[];
  readonly newTasks?: readonly Task[];
  readonly taskUpdates?: readonly TaskUpdate[];
  readonly newHosts?: readonly { readonly id: HostId; readonly name: string; readonly publicKey: PublicKey; readonly cell: string }[];
  readonly heard?: readonly Heard[];
  readonly figures?: readonly FiguresWrite[];
  readonly hosts?: readonly HostUpdate[];
  readonly renamedHosts?: readonly { readonly id: HostId; readonly name: string }[];
  readonly forgottenHosts?: readonly HostId[];
  readonly usedEnrolments?: readonly { readonly tokenHash: string; readonly hostId: HostId }[];
  readonly rights?: readonly RightsWrite[];
  /** What the record says of it: written in the same commit, or nothing of it is. */
  readonly audit?: readonly AuditFacts[];
  readonly events?: readonly EventWrite[];
  readonly log?: readonly TaskLogWrite[];
  /** Written with the rest, so that a repeated request is answered from here exactly when the first one was carried out. */
  readonly idempotency?: IdempotencyKey & { readonly answer: unknown };
}

/** Decisions of one person at one time about different things, as one: committed whole or not at all. */
export function merged({ by, atMs }: Pick<Change, 'by' | 'atMs'>, changes: readonly Change[]): Change {
  return {
    by,
    atMs,
    wishes: changes.flatMap(({ wishes = [] }) => wishes),
    restsOn: changes.flatMap(({ restsOn = [] }) => restsOn),
    newTasks: changes.flatMap(({ newTasks = [] }) => newTasks),
    taskUpdates: changes.flatMap(({ taskUpdates = [] }) => taskUpdates),
    rights: changes.flatMap(({ rights = [] }) => rights),
    events: changes.flatMap(({ events = [] }) => events),
  };
}

/** Of one person, one key is one request: the same method, path and body. */
export interface IdempotencyKey {
  readonly key: string;
  readonly userId: UserId;
  readonly method: string;
  readonly path: string;
  readonly bodyDigest: string;
}

/** What a decision comes to: what to write, and what to tell the caller once it is written. */
export interface Decision<A> {
  readonly change: Change;
  readonly answer: A;
}

/** The answer to a request that a host carries out. */
export interface Accepted {
  readonly ref: ResourceRef;
  readonly taskId: TaskId;
}

/** Who asks, when, and the fresh ids that the decision may use up: the core has neither clock nor chance. */
export interface Ask {
  readonly by: string;
  readonly nowMs: number;
  readonly taskId: TaskId;
  readonly imageId: ImageId;
  /** If-Match: the generation that the caller believes in. Absent: whatever is there. */
  readonly ifMatch?: number | undefined;
}
