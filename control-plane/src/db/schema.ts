import type { Privilege } from '@drover/shared/access/privilege';
import type { SignInWay } from '@drover/shared/api/identity';
import type { ProblemView } from '@drover/shared/lib/problem';
import type { PoolQuota } from '@drover/shared/model/access';
import type { AuditFacts } from '@drover/shared/model/audit';
import type { Figures } from '@drover/shared/model/figures';
import type { Power } from '@drover/shared/model/guest';
import type { Hardware } from '@drover/shared/model/hardware';
import type { Inventory } from '@drover/shared/model/host';
import type { GrantId, GroupId, HostId, ImageId, TaskId, TokenId, UserId } from '@drover/shared/model/id';
import type { Activity, Deletion, ResourceKind, ResourceRef, ResourceStatus } from '@drover/shared/model/resource';
import type { TaskSpec, TaskState } from '@drover/shared/model/task';
import type { PublicKey } from '@drover/shared/protocol/agent-api';
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { EventKind } from '../core/change.ts';
import type { TaskPurpose } from '../core/held.ts';
import type { Whereabouts } from '../core/things.ts';

/** The tables as queries see them; migrations/ make them, with their indexes and triggers. */

const json = <T>() => text({ mode: 'json' }).$type<T>();

export const resource = sqliteTable(
  'resource',
  {
    kind: text().$type<ResourceKind>().notNull(),
    id: text().notNull(),
    hostId: text('host_id').$type<HostId>().notNull(),
    generation: integer().notNull(),
    ackedGeneration: integer('acked_generation').notNull(),
    appliedGeneration: integer('applied_generation').notNull(),
    name: text().notNull(),
    /** What the same name may stand for twice on one host: an image's form; empty elsewhere. */
    variant: text().notNull(),
    spec: json<Readonly<Record<string, unknown>>>().notNull(),
    status: json<ResourceStatus>(),
    deletion: json<Deletion>(),
    createdAtMs: integer('created_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.id] })],
);

export const resourceVersion = sqliteTable(
  'resource_version',
  {
    kind: text().$type<ResourceKind>().notNull(),
    id: text().notNull(),
    generation: integer().notNull(),
    spec: json<unknown>().notNull(),
    deletion: json<Deletion>(),
    byUser: text('by_user').notNull(),
    atMs: integer('at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.id, table.generation] })],
);

/** What lists of guests filter by: narrow, so that 100,000 rows are a few megabytes. Triggers keep guest_tag and guest_count in step. */
export const guestIndex = sqliteTable('guest_index', {
  id: integer().primaryKey(),
  hostId: text('host_id').$type<HostId>().notNull(),
  type: text().$type<'container' | 'vm'>().notNull(),
  name: text().notNull(),
  wishedPower: text('wished_power').$type<Power>().notNull(),
  observedPower: text('observed_power').$type<'running' | 'stopped' | 'unknown'>().notNull(),
  memoryBytes: integer('memory_bytes').notNull(),
  /** " a b ": a tag is found as " a ". */
  tags: text().notNull(),
});

/** What searches look through; a trigger keeps the trigrams of guest_search in step. */
export const guestText = sqliteTable('guest_text', {
  id: integer().primaryKey(),
  /** Name, id and tags. */
  words: text().notNull(),
  addresses: text().notNull(),
});

/** How many guests there are of each sort on each host, and the memory that they may have. */
export const guestCount = sqliteTable(
  'guest_count',
  {
    hostId: text('host_id').$type<HostId>().notNull(),
    type: text().$type<'container' | 'vm'>().notNull(),
    wishedPower: text('wished_power').$type<Power>().notNull(),
    observedPower: text('observed_power').$type<'running' | 'stopped' | 'unknown'>().notNull(),
    guests: integer().notNull(),
    memoryBytes: integer('memory_bytes').notNull(),
  },
  (table) => [primaryKey({ columns: [table.hostId, table.type, table.wishedPower, table.observedPower] })],
);

export const host = sqliteTable('host', {
  id: text().$type<HostId>().primaryKey(),
  name: text().notNull(),
  publicKey: json<PublicKey>().notNull(),
  previousKey: json<PublicKey>(),
  cell: text().notNull(),
  boot: integer().notNull(),
  sequence: integer().notNull(),
  session: text(),
  connected: integer({ mode: 'boolean' }).notNull(),
  heardAtMs: integer('heard_at_ms'),
  progressAtMs: integer('progress_at_ms'),
  asOfMs: integer('as_of_ms').notNull(),
  orphans: json<readonly ResourceRef[]>().notNull(),
  enrolledAtMs: integer('enrolled_at_ms').notNull(),
  revokedAtMs: integer('revoked_at_ms'),
  run: text(),
  previousRun: text('previous_run'),
  cloneSeenAtMs: integer('clone_seen_at_ms'),
  clockAheadMs: integer('clock_ahead_ms'),
});

/** Apart from the host's row, which is written every ten seconds. */
export const hostInventory = sqliteTable('host_inventory', {
  hostId: text('host_id').$type<HostId>().primaryKey(),
  inventory: json<Inventory>().notNull(),
});

export const hostHardware = sqliteTable('host_hardware', {
  hostId: text('host_id').$type<HostId>().primaryKey(),
  /** The hardware's own. */
  digest: text().notNull(),
  hardware: json<Hardware>().notNull(),
});

/** The newest alone. */
export const hostFigures = sqliteTable('host_figures', {
  hostId: text('host_id').$type<HostId>().primaryKey(),
  /** By our clock. */
  atMs: integer('at_ms').notNull(),
  figures: json<Figures>().notNull(),
});

export const forgottenHost = sqliteTable('forgotten_host', {
  id: text().$type<HostId>().notNull(),
  /** The key's x. */
  publicKey: text('public_key').primaryKey(),
  name: text().notNull(),
  byUser: text('by_user').notNull(),
  atMs: integer('at_ms').notNull(),
});

export const task = sqliteTable('task', {
  id: text().$type<TaskId>().primaryKey(),
  verb: text().$type<TaskSpec['do']>().notNull(),
  purpose: text().$type<TaskPurpose>().notNull(),
  spec: json<TaskSpec>().notNull(),
  title: text().notNull(),
  targetKind: text('target_kind').$type<ResourceKind>().notNull(),
  targetId: text('target_id').notNull(),
  targetName: text('target_name').notNull(),
  hostId: text('host_id').$type<HostId>(),
  state: text().$type<TaskState>().notNull(),
  createdBy: text('created_by').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  finishedAtMs: integer('finished_at_ms'),
  deadlineAtMs: integer('deadline_at_ms'),
  problem: json<ProblemView>(),
  result: json<Readonly<Record<string, unknown>>>(),
  activity: json<Activity>(),
  waitingFor: text('waiting_for'),
  imageId: text('image_id').$type<ImageId>(),
  imageMade: integer('image_made', { mode: 'boolean' }).notNull(),
});

export const taskLog = sqliteTable('task_log', {
  cursor: integer().primaryKey({ autoIncrement: true }),
  taskId: text('task_id').$type<TaskId>().notNull(),
  atMs: integer('at_ms').notNull(),
  line: text().notNull(),
});

export const event = sqliteTable('event', {
  cursor: integer().primaryKey({ autoIncrement: true }),
  kind: text().$type<EventKind>().notNull(),
  id: text().notNull(),
  gone: integer({ mode: 'boolean' }).notNull(),
  atMs: integer('at_ms').notNull(),
  /** Of a thing that is gone: where it was, for those who saw it by that. */
  was: json<Whereabouts>(),
});

export const accessGroup = sqliteTable('access_group', {
  id: text().$type<GroupId>().primaryKey(),
  name: text().notNull(),
  notes: text().notNull(),
  /** The directory whose group it is; null: it was made here. */
  directory: text(),
  createdAtMs: integer('created_at_ms').notNull(),
});

export const groupMember = sqliteTable(
  'group_member',
  { groupId: text('group_id').$type<GroupId>().notNull(), userId: text('user_id').$type<UserId>().notNull() },
  (table) => [primaryKey({ columns: [table.groupId, table.userId] })],
);

/** Roles of one's own, beside those that are built in. */
export const accessRole = sqliteTable('access_role', {
  name: text().primaryKey(),
  privileges: json<readonly Privilege[]>().notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});

export const accessGrant = sqliteTable('access_grant', {
  id: text().$type<GrantId>().primaryKey(),
  principalKind: text('principal_kind').$type<'user' | 'group' | 'token'>().notNull(),
  principalId: text('principal_id').notNull(),
  role: text().notNull(),
  scope: text().notNull(),
  inherit: integer({ mode: 'boolean' }).notNull(),
  untilMs: integer('until_ms'),
  byUser: text('by_user').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});

export const pool = sqliteTable('pool', {
  /** "shop", or inside of another "shop/test". */
  path: text().primaryKey(),
  notes: text().notNull(),
  quota: json<PoolQuota>().notNull(),
  /** Rises when something is put in or grows, so that two who do so at once meet. */
  version: integer().notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});

/** A thing is in one pool, or in none. */
export const poolMember = sqliteTable(
  'pool_member',
  { kind: text().$type<'guest' | 'storage' | 'network'>().notNull(), id: text().notNull(), pool: text().notNull() },
  (table) => [primaryKey({ columns: [table.kind, table.id] })],
);

/** Who did what: the facts whole, and beside them what is looked for. */
export const audit = sqliteTable('audit', {
  number: integer().primaryKey({ autoIncrement: true }),
  atMs: integer('at_ms').notNull(),
  who: text().notNull(),
  kind: text(),
  thing: text(),
  facts: json<AuditFacts>().notNull(),
});

/** What binds each entry to all before it. */
export const auditLink = sqliteTable('audit_link', { number: integer().primaryKey(), hash: text().notNull() });

export const counter = sqliteTable('counter', { name: text().primaryKey(), value: integer().notNull() });

export const user = sqliteTable('user', {
  id: text().$type<UserId>().primaryKey(),
  name: text().notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  disabledAtMs: integer('disabled_at_ms'),
  disabledBecause: text('disabled_because'),
});

export const token = sqliteTable('token', {
  id: text().$type<TokenId>().primaryKey(),
  hash: text().notNull(),
  kind: text().$type<'api' | 'session'>().notNull(),
  name: text().notNull(),
  userId: text('user_id').$type<UserId>().notNull(),
  /** It may do what was granted to itself, as far as its user may; otherwise all that its user may. */
  ownGrantsOnly: integer('own_grants_only', { mode: 'boolean' }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  lastUsedAtMs: integer('last_used_at_ms'),
  expiresAtMs: integer('expires_at_ms'),
  /** A session that nobody has used for so long is over; null: it never is for that. */
  idleMs: integer('idle_ms'),
  /** Good for nothing but setting up a second factor. */
  setupOnly: integer('setup_only', { mode: 'boolean' }).notNull().default(false),
  /** How its user proved who they are. */
  way: text().$type<SignInWay>(),
  device: text(),
  address: text(),
});

export const link = sqliteTable('link', {
  hash: text().primaryKey(),
  userId: text('user_id').$type<UserId>().notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
  usedAtMs: integer('used_at_ms'),
});

export const enrolment = sqliteTable('enrolment', {
  tokenHash: text('token_hash').primaryKey(),
  name: text(),
  createdBy: text('created_by').notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
  usedByHostId: text('used_by_host_id').$type<HostId>(),
});

export const idempotency = sqliteTable(
  'idempotency',
  {
    userId: text('user_id').$type<UserId>().notNull(),
    key: text().notNull(),
    method: text().notNull(),
    path: text().notNull(),
    bodyDigest: text('body_digest').notNull(),
    answer: json<unknown>().notNull(),
    atMs: integer('at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.key] })],
);

export const upload = sqliteTable('upload', {
  id: text().primaryKey(),
  hostId: text('host_id').$type<HostId>().notNull(),
  sizeBytes: integer('size_bytes').notNull(),
  sha256: text().notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
});
