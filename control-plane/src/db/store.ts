import type { Reach } from '@drover/shared/access/reach';
import type { ListGuests, ListTasks } from '@drover/shared/api/requests';
import type { ChangeEvent, Page, TaskLogLine } from '@drover/shared/api/views';
import type { Hardware } from '@drover/shared/model/hardware';
import type { Inventory } from '@drover/shared/model/host';
import type { GuestId, HostId, ImageId, TaskId } from '@drover/shared/model/id';
import type { ResourceKind, ResourceRef } from '@drover/shared/model/resource';
import type { PublicKey } from '@drover/shared/protocol/agent-api';
import type { Change, FiguresWrite } from '../core/change.ts';
import type { Held, Host, Task } from '../core/held.ts';
import type { Whereabouts } from '../core/things.ts';
import type {
  CreateGuestView,
  CreateImageView,
  EnrolmentDecisionView,
  GuestDecisionView,
  HostDecisionView,
  ImageDecisionView,
  ReportView,
  TaskDecisionView,
} from '../core/views.ts';
import type { SealingKeyStore } from '../host-sealing.ts';
import type { AccessStore } from './access-store.ts';
import type { AuditStore } from './audit-store.ts';
import type { CellStore } from './cell-store.ts';
import type { Fleet } from './fleet.ts';
import type { IdentityStore } from './identity-store.ts';
import type { RightsStore } from './rights-store.ts';
import type { SealedStore } from './sealed-store.ts';

/** Somebody else wrote first: load again, decide again. */
export type CommitOutcome = { readonly committed: true } | { readonly committed: false; readonly conflict: string };

/** A guest with what its list row and its page say beside it. */
export interface GuestRecord {
  readonly guest: Held<'guest'>;
  readonly host: Pick<Host, 'id' | 'name' | 'connected' | 'heardAtMs'>;
  /** The image of its root disk; null: an empty disk, or an image that is gone. */
  readonly image: { readonly id: ImageId; readonly name: string } | null;
}
export interface OnHost<K extends ResourceKind> {
  readonly resource: Held<K>;
  readonly host: { readonly id: HostId; readonly name: string };
}
export interface HostRecord {
  readonly host: Host;
  /** Null: it has not introduced itself yet. */
  readonly inventory: Inventory | null;
  /** Null: nobody has set any. */
  readonly settings: Held<'host'> | null;
  readonly guests: { readonly total: number; readonly running: number };
  /** When the oldest wish was made that it has not journalled; null: it has all. */
  readonly pendingSinceMs: number | null;
}
export interface TaskRecord {
  readonly task: Task;
  readonly host: Pick<Host, 'id' | 'name' | 'connected' | 'heardAtMs'> | null;
}
/** Of a thing that is gone: where it was. */
export type KeptEvent = ChangeEvent & { readonly was: Whereabouts | null };
export interface ListByName {
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** Exactly this name. */
  readonly name?: string | undefined;
}

/** Whose tasks a list shows: those that somebody began, and those about what they see. Null: they see all of that kind. */
export interface SeesTasks {
  readonly begunBy: string;
  readonly guests: Reach | null;
  readonly hosts: Reach | null;
  readonly storages: Reach | null;
  readonly networks: Reach | null;
}

/**
 * `ref` is an id or a name, as people type them. A read that finds nothing gives null; no read throws for absence. A list shows, and
 * counts, only what is within the reach; null: everything.
 */
export interface Reads {
  guest(ref: string): Promise<GuestRecord | null>;
  guests(filter: ListGuests, reach?: Reach | null): Promise<Page<GuestRecord>>;
  host(ref: string): Promise<HostRecord | null>;
  hosts(list: ListByName & { readonly tag?: string | undefined }, reach?: Reach | null): Promise<Page<HostRecord>>;
  /** Null: it has not said what it is made of. */
  hardware(hostId: HostId): Promise<Hardware | null>;
  /** The newest; null: there are none. */
  figures(hostId: HostId): Promise<FiguresWrite | null>;
  /** By id only: an image's, a storage's or a network's name is unique on one host, not in the fleet. */
  placed<K extends 'image' | 'storage' | 'network'>(kind: K, id: string): Promise<OnHost<K> | null>;
  allPlaced<K extends 'image' | 'storage' | 'network'>(
    kind: K,
    list: ListByName & { readonly host?: string | undefined },
    reach?: Reach | null,
  ): Promise<Page<OnHost<K>>>;
  /** Guests whose disks or CD drive name each image. */
  usersOfImages(ids: readonly string[]): Promise<ReadonlyMap<string, readonly GuestId[]>>;
  task(id: string): Promise<TaskRecord | null>;
  /** `sees` null: all. */
  tasks(filter: ListTasks, sees?: SeesTasks | null): Promise<Page<TaskRecord>>;
  tasksAmong(ids: readonly TaskId[]): Promise<ReadonlyMap<TaskId, TaskRecord>>;
  /** Lines after the cursor (0: from the first), oldest first. */
  taskLog(id: TaskId, after: number, limit: number): Promise<readonly TaskLogLine[]>;
  /** Events after the cursor, oldest first. */
  events(after: number, limit: number): Promise<readonly KeptEvent[]>;
  /** The newest cursor, and the oldest event still kept: a client that asks for less must fetch everything anew. */
  eventRange(): Promise<{ readonly oldest: number; readonly newest: number }>;
}

/** What each decision in core/ needs, loaded at once. Each throws Problem not-found (with near names) when what it is about is not there. */
export interface Views {
  createGuest(input: {
    readonly name: string;
    readonly host?: string | undefined;
    readonly pool?: string | undefined;
  }): Promise<CreateGuestView>;
  /** `newName`: also look whether that name is free. */
  onGuest(ref: string, newName?: string): Promise<GuestDecisionView>;
  /** In their order; null: there is no such guest. */
  onGuests(refs: readonly string[]): Promise<readonly (GuestDecisionView | null)[]>;
  createImage(input: { readonly host?: string | undefined }): Promise<CreateImageView>;
  onImage(id: string): Promise<ImageDecisionView>;
  onTask(id: string): Promise<TaskDecisionView>;
  onHost(ref: string, newName?: string): Promise<HostDecisionView>;
  /** For enrolling a host by its key with a token; `publicKey` null: the host has no key yet. */
  enrolment(tokenHash: string, publicKey: PublicKey | null): Promise<EnrolmentDecisionView>;
  /** For absorbing a report that speaks of these resources; null: no such host. `all`: a hello, which is compared with everything. */
  onReport(hostId: HostId, refs: readonly ResourceRef[] | 'all'): Promise<ReportView | null>;
}

export interface Pending {
  readonly host: Pick<Host, 'cell' | 'asOfMs'>;
  readonly resources: readonly Held[];
}

export interface Store extends Reads {
  readonly views: Views;
  readonly access: AccessStore;
  readonly identity: IdentityStore;
  readonly rights: RightsStore;
  readonly audit: AuditStore;
  readonly cells: CellStore;
  readonly fleet: Fleet;
  readonly sealed: SealedStore;
  readonly sealingKeys: SealingKeyStore;
  /** One batch: everything or nothing. Settles only when it is durable. */
  commit(change: Change): Promise<CommitOutcome>;
  /** By its id alone, for what is asked each time that a host connects. */
  knownHost(id: HostId): Promise<Host | null>;
  /** The outbox: what the host has not journalled yet, the oldest `PENDING_MAX` first. Null: no such host, or it is not connected. */
  pending(hostId: HostId): Promise<Pending | null>;
  /** Connected hosts with something pending. */
  hostsWithPending(): Promise<readonly HostId[]>;
  /** Hosts that count as connected but have said nothing since. */
  silentHosts(heardBeforeMs: number): Promise<readonly HostId[]>;
  /** Unfinished tasks whose deadline has passed. */
  overdueTasks(nowMs: number, limit: number): Promise<readonly TaskId[]>;
  /** Forgets old events, log lines, finished tasks, used links and so on. */
  trim(nowMs: number): Promise<void>;
  /** At start no host is connected yet, whatever the last process believed; and each shall introduce itself, for this may be a restored database. */
  disconnectAll(): Promise<void>;
  /** Calls back after each commit that wrote events; live streams then read on by their cursor. The returned function ends it. */
  onEvents(notify: () => void): () => void;
  close(): void;
}
