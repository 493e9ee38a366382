import { z } from 'zod';
import { Privilege } from '../access/privilege.ts';
import { ProblemView } from '../lib/problem.ts';
import { Disk, GuestPower, Nic, Power, RunEnd } from '../model/guest.ts';
import { DriverDescription, InstalledPackage, Kvm, Machine, Processor, Release } from '../model/host.ts';
import { GuestId, HostId, ImageId, NetworkId, StorageId, TaskId, TokenId, UserId } from '../model/id.ts';
import { ImageForm, ImageSource } from '../model/image.ts';
import { Activity, Condition, ResourceRef } from '../model/resource.ts';
import { TaskState } from '../model/task.ts';
import { HostSettings } from './host-views.ts';

/** What the API answers with. Names stand beside ids, so that no client has to look them up. Sizes are bytes, times epoch milliseconds. */

const HostRef = z.object({ id: HostId, name: z.string() });

/** How the wish and the last observation stand to each other. */
const convergence = {
  generation: z.number().int(),
  ackedGeneration: z.number().int(),
  appliedGeneration: z.number().int(),
  /** pending: the host has not acknowledged the newest wish yet. */
  condition: z.union([Condition, z.literal('pending')]),
  activity: Activity.nullable(),
  waitingFor: z.string().nullable(),
  problem: ProblemView.nullable(),
  deleting: z.boolean(),
};

/** One word for people: what the guest is, or is becoming. `unknown`: its host is away. */
export const GuestState = z.enum(['running', 'stopped', 'creating', 'starting', 'stopping', 'deleting', 'failed', 'unknown']);
export type GuestState = z.infer<typeof GuestState>;

export const GuestView = z.object({
  id: GuestId,
  name: z.string(),
  type: z.enum(['container', 'vm']),
  host: HostRef,
  state: GuestState,
  /** In words, when there is more to say: "powered itself off", "waiting for image debian-13". */
  reason: z.string().nullable(),
  /** The wish. */
  power: Power,
  /** The last observation, and when its host was last heard. */
  observedPower: GuestPower,
  heardAtMs: z.number().int().nullable(),
  addresses: z.array(z.string()),
  startedAtMs: z.number().int().nullable(),
  /** What somebody asked for on the host itself, with `drover-agent guests`: it holds until a power state is asked for here. */
  local: z.object({ power: Power, atMs: z.number().int() }).nullable(),
  end: RunEnd.nullable(),
  crashes: z.number().int(),
  accelerator: z.string().nullable(),
  needsRestart: z.array(z.string()),
  memoryBytes: z.number().int(),
  cores: z.number().int(),
  swapBytes: z.number().int().nullable(),
  processesMax: z.number().int().nullable(),
  unprivileged: z.boolean().nullable(),
  firmware: z.enum(['uefi', 'bios']).nullable(),
  image: z.object({ id: ImageId, name: z.string() }).nullable(),
  disks: z.array(Disk),
  nics: z.array(Nic),
  tags: z.array(z.string()),
  notes: z.string(),
  startAtBoot: z.boolean(),
  /** Lower ones start first when the host boots, and end last when it goes down; null: after all that have a number. */
  startOrder: z.number().int().nullable(),
  /** Seconds that the next ones wait once this one has started. */
  startDelayS: z.number().int(),
  /** Seconds that it is given to shut down when its host goes down. */
  shutdownTimeoutS: z.number().int(),
  createdAtMs: z.number().int(),
  ...convergence,
});
export type GuestView = z.infer<typeof GuestView>;

/** How a host is, in the one word that matters most. */
export const HostHealth = z.object({
  state: z.enum([
    'connected',
    'never-heard',
    'silent',
    'not-progressing',
    'clone-suspected',
    'agent-too-old',
    'agent-too-new',
    'clock-off',
    'revoked',
  ]),
  sinceMs: z.number().int().nullable(),
  /** What is wrong; null: nothing. */
  detail: z.string().nullable(),
  /** What to do about it. */
  fix: z.string().nullable(),
});
export type HostHealth = z.infer<typeof HostHealth>;

/** current: its agent is this control plane's own. blocked: it has to be upgraded by hand there, for the reason given. away: it cannot be told now. */
export const UpgradeStateView = z.object({
  state: z.enum(['current', 'available', 'blocked', 'away']),
  reason: z.string().nullable(),
});
export type UpgradeStateView = z.infer<typeof UpgradeStateView>;

export const HostView = z.object({
  id: HostId,
  name: z.string(),
  /** Which broker it is on: worth showing where there are several. */
  cell: z.string(),
  connected: z.boolean(),
  health: HostHealth,
  heardAtMs: z.number().int().nullable(),
  /** When it last said something of a resource. */
  progressAtMs: z.number().int().nullable(),
  enrolledAtMs: z.number().int(),
  /** Since when it is cut off, by a person; null: it is not. */
  revokedAtMs: z.number().int().nullable(),
  /** SHA-256 of its public key, in groups, as the host itself shows it. */
  fingerprint: z.string(),
  agentVersion: z.string().nullable(),
  /** Null: this control plane has no agent to give. */
  upgrade: UpgradeStateView.nullable(),
  /** Somebody told its agent, on the host itself, to leave guests, storages and networks alone; null: it does its work. */
  paused: z.object({ reason: z.string(), sinceMs: z.number().int() }).nullable(),
  os: z.string().nullable(),
  kernel: z.string().nullable(),
  architecture: z.string().nullable(),
  cpuModel: z.string().nullable(),
  cores: z.number().int().nullable(),
  memoryBytes: z.number().int().nullable(),
  addresses: z.array(z.string()),
  drivers: z.array(DriverDescription),
  /** What follows, an agent of before does not say. */
  machine: Machine.nullable(),
  processor: Processor.nullable(),
  /** Can guests be run by KVM, and if not, why not? */
  kvm: Kvm.nullable(),
  release: Release.nullable(),
  /** Those that matter to guests. */
  packages: z.array(InstalledPackage),
  settings: HostSettings,
  guests: z.object({ total: z.number().int(), running: z.number().int() }),
  /** Things that exist on the host but that nobody wished for; never touched by itself. */
  orphans: z.array(ResourceRef),
});
export type HostView = z.infer<typeof HostView>;

export const ImageView = z.object({
  id: ImageId,
  name: z.string(),
  form: ImageForm,
  host: HostRef,
  storageId: StorageId,
  source: ImageSource,
  ready: z.boolean(),
  sizeBytes: z.number().int().nullable(),
  virtualSizeBytes: z.number().int().nullable(),
  usedBy: z.array(GuestId),
  createdAtMs: z.number().int(),
  ...convergence,
});
export type ImageView = z.infer<typeof ImageView>;

export const StorageView = z.object({
  id: StorageId,
  name: z.string(),
  host: HostRef,
  driver: z.string(),
  config: z.record(z.string(), z.unknown()),
  ready: z.boolean(),
  totalBytes: z.number().int().nullable(),
  freeBytes: z.number().int().nullable(),
  ...convergence,
});
export type StorageView = z.infer<typeof StorageView>;

export const NetworkView = z.object({
  id: NetworkId,
  name: z.string(),
  host: HostRef,
  driver: z.string(),
  config: z.record(z.string(), z.unknown()),
  ready: z.boolean(),
  ...convergence,
});
export type NetworkView = z.infer<typeof NetworkView>;

export const TaskView = z.object({
  id: TaskId,
  /** "create guest web", "start guest db". */
  title: z.string(),
  do: z.string(),
  target: ResourceRef.extend({ name: z.string() }),
  host: HostRef.nullable(),
  state: TaskState,
  /** What runs now, with progress; for a guest whose image is not there yet, the image's own step. */
  activity: Activity.nullable(),
  waitingFor: z.string().nullable(),
  /** Since when the host has been away that it waits for; null: it does not wait for that. */
  waitingSinceMs: z.number().int().nullable(),
  problem: ProblemView.nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  createdBy: z.string(),
  createdAtMs: z.number().int(),
  finishedAtMs: z.number().int().nullable(),
});
export type TaskView = z.infer<typeof TaskView>;

export const TaskLogLine = z.object({ cursor: z.number().int(), atMs: z.number().int(), line: z.string() });
export type TaskLogLine = z.infer<typeof TaskLogLine>;

/** A list comes in pages: `next` is the cursor of the next one, absent on the last. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable(), total: z.number().int() });
export interface Page<T> {
  items: T[];
  next: string | null;
  total: number;
}

/** The answer to a write that a host carries out: the thing as it is now, and the task that ends when it is as wished. */
export const accepted = <T extends z.ZodType>(item: T) => z.object({ resource: item, task: TaskView });

/** Of many guests, what became of each: `asked` is as the request named it. */
export const PoweredGuests = z.object({
  items: z.array(z.object({ asked: z.string(), task: TaskView.nullable(), problem: ProblemView.nullable() })),
});
export type PoweredGuests = z.infer<typeof PoweredGuests>;

export const UserView = z.object({
  id: UserId,
  name: z.string(),
  /** What they have on everything, by themselves; more may come by their groups, and on some things. */
  roles: z.array(z.string()),
  createdAtMs: z.number().int(),
  /** Since when nothing of theirs lets them in; null: they may come in. */
  disabledAtMs: z.number().int().nullable(),
});
export type UserView = z.infer<typeof UserView>;

export const TokenView = z.object({
  id: TokenId,
  name: z.string(),
  user: z.object({ id: UserId, name: z.string() }),
  /** False: it may do all that its user may. */
  ownGrantsOnly: z.boolean(),
  /** What it has on everything; more may have been granted to it on some things. Never more than its user. */
  roles: z.array(z.string()),
  expiresAtMs: z.number().int().nullable(),
  createdAtMs: z.number().int(),
  lastUsedAtMs: z.number().int().nullable(),
});
export type TokenView = z.infer<typeof TokenView>;

export const SessionView = z.object({
  user: UserView,
  /** The fleet asks for a second factor that is not set up yet: until then this session is good for nothing else. */
  setupOnly: z.boolean(),
  /** What whoever asks may do on everything; on some things it may be more, or less. */
  privileges: z.array(Privilege),
  /** The control plane's own version and address. */ version: z.string(),
  url: z.string(),
});
export type SessionView = z.infer<typeof SessionView>;

export const EnrolmentView = z.object({
  /** What it is called in the list of tokens. */
  id: z.string(),
  /** Shown once. Good for one host, for an hour. */
  token: z.string(),
  expiresAtMs: z.number().int(),
  /** Where the new host reaches this control plane. */
  url: z.string(),
  /** What to type on the host, a plain Debian: it fetches the agent from this control plane. */
  command: z.string(),
  /** The same for a host that has a clone of Drover and shall run the agent from it, in the foreground. */
  cloneCommand: z.string(),
  /** User data that makes a machine a host at its first boot, by cloud-init. */
  cloudInit: z.string(),
});
export type EnrolmentView = z.infer<typeof EnrolmentView>;

/** A token that was made to let a host in. The token itself is shown once, when it is made. */
export const EnrolmentTokenView = z.object({
  /** What it is taken back by. */
  id: z.string(),
  /** What the host shall be called; null: as it calls itself. */
  name: z.string().nullable(),
  createdBy: z.string(),
  createdAtMs: z.number().int(),
  expiresAtMs: z.number().int(),
  state: z.enum(['open', 'used', 'expired']),
  /** The name of the host that came in by it. */
  usedBy: z.string().nullable(),
  usedByHostId: HostId.nullable(),
});
export type EnrolmentTokenView = z.infer<typeof EnrolmentTokenView>;
export const EnrolmentTokensView = z.object({ items: z.array(EnrolmentTokenView) });

/** The key that commands are signed with: its public half alone. */
export const SigningKeyView = z.object({
  keyId: z.string(),
  /** SHA-256 of the public key, in groups, as `drover-agent fingerprint` shows it on each host. */
  fingerprint: z.string(),
  /** How often it has been changed. */
  rotations: z.number().int(),
});
export type SigningKeyView = z.infer<typeof SigningKeyView>;

/** A ticket for the relay: the caller opens a WebSocket on `url` within 30 s; single use. */
export const StreamView = z.object({ task: TaskView, url: z.string(), expiresAtMs: z.number().int() });
export type StreamView = z.infer<typeof StreamView>;

/** Server-sent event `change`: this thing is not as it was; fetch it again. Its `id:` is the cursor to resume from. */
export const ChangeEvent = z.object({
  cursor: z.number().int(),
  kind: z.enum(['guest', 'host', 'image', 'storage', 'network', 'task', 'user', 'token', 'group', 'role', 'grant', 'pool']),
  id: z.string(),
  gone: z.boolean(),
});
export type ChangeEvent = z.infer<typeof ChangeEvent>;

/** GET /images/catalogue: what can be asked for by name alone. */
export const CatalogueView = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      forms: z.object({ container: ImageSource.optional(), vm: ImageSource.optional() }),
    }),
  ),
});
export type CatalogueView = z.infer<typeof CatalogueView>;

/** GET /tasks/{task}/log: the next lines; ask again with `after` = `cursor` for what comes then. */
export const TaskLogView = z.object({ lines: z.array(TaskLogLine), cursor: z.number().int() });
export type TaskLogView = z.infer<typeof TaskLogView>;

/** The answer to POST /users, and to POST /users/{user}/sign-in-link: the link works once and is shown once. */
export const SignInLinkView = z.object({ user: UserView, signInUrl: z.string(), expiresAtMs: z.number().int() });
export type SignInLinkView = z.infer<typeof SignInLinkView>;

/** The answer to POST /tokens: `secret` goes into `Authorization: Bearer …` and is shown once. */
export const NewTokenView = z.object({ token: TokenView, secret: z.string() });
export type NewTokenView = z.infer<typeof NewTokenView>;
