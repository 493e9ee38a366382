import type { IndexedFacts } from '@drover/shared/access/index-facts';
import { Privilege } from '@drover/shared/access/privilege';
import type {
  EnrolmentTokenView,
  GuestView,
  HostView,
  ImageView,
  NetworkView,
  Page,
  StorageView,
  TaskView,
  TokenView,
  UserView,
} from '@drover/shared/api/views';
import { GuestStatus, SHUTDOWN_TIMEOUT_S } from '@drover/shared/model/guest';
import type { GuestId } from '@drover/shared/model/id';
import { ImageStatus } from '@drover/shared/model/image';
import { NetworkStatus } from '@drover/shared/model/network';
import { StorageStatus } from '@drover/shared/model/storage';
import { fingerprintOfKey } from '@drover/shared/protocol/host-key';
import type { z } from 'zod';
import { guestState, isAway } from '../core/guest-state.ts';
import type { Held } from '../core/held.ts';
import { hostHealth } from '../core/host-health.ts';
import { upgradeStateOf } from '../core/host-tasks.ts';
import type { Principal } from '../core/rights.ts';
import type { Rights } from '../core/rights-of.ts';
import { EVERYTHING } from '../core/things.ts';
import type { Enrolment, Token, User } from '../db/access-store.ts';
import { enrolmentId } from '../db/secret.ts';
import type { GuestRecord, HostRecord, OnHost, TaskRecord } from '../db/store.ts';
import { ENROLMENT_MS } from '../loop/enrol.ts';
import type { AppDeps } from './deps.ts';
import { settingsView } from './host-views.ts';

/** Rows as the API answers them. Built once and never parsed again: the types are the check. */

export function guestView({ guest, host, image }: GuestRecord, nowMs: number): GuestView {
  const { spec } = guest;
  const observed = observedOf(guest, GuestStatus);
  return {
    id: Number(guest.id),
    name: spec.name,
    type: spec.type,
    host: { id: host.id, name: host.name },
    ...guestState({ guest, observed, host, nowMs }),
    power: spec.power,
    observedPower: observed?.power ?? 'unknown',
    heardAtMs: host.heardAtMs,
    addresses: observed?.addresses ?? [],
    startedAtMs: observed?.startedAtMs ?? null,
    local: observed?.local ?? null,
    end: observed?.end ?? null,
    crashes: observed?.crashes ?? 0,
    accelerator: observed?.accelerator ?? null,
    needsRestart: observed?.needsRestart ?? [],
    memoryBytes: spec.memoryBytes,
    cores: spec.cores,
    swapBytes: spec.type === 'container' ? spec.swapBytes : null,
    processesMax: spec.type === 'container' ? spec.processesMax : null,
    unprivileged: spec.type === 'container' ? spec.unprivileged : null,
    firmware: spec.type === 'vm' ? spec.firmware : null,
    image,
    disks: spec.disks,
    nics: spec.nics,
    tags: spec.tags,
    notes: spec.notes,
    startAtBoot: spec.startAtBoot,
    startOrder: spec.startOrder ?? null,
    startDelayS: spec.startDelayS ?? 0,
    shutdownTimeoutS: spec.shutdownTimeoutS ?? SHUTDOWN_TIMEOUT_S[spec.type],
    createdAtMs: guest.createdAtMs,
    ...convergenceOf(guest),
  };
}

export function hostView(
  { host, inventory, settings, guests, pendingSinceMs }: HostRecord,
  { clock, version: controlPlaneVersion, agentPackage }: Pick<AppDeps, 'clock' | 'version' | 'agentPackage'>,
): HostView {
  const nowMs = clock.now();
  return {
    id: host.id,
    name: host.name,
    cell: host.cell,
    connected: !isAway(host, nowMs),
    health: hostHealth({ host, agentVersion: inventory?.agentVersion ?? null, pendingSinceMs, controlPlaneVersion, nowMs }),
    heardAtMs: host.heardAtMs,
    progressAtMs: host.progressAtMs,
    enrolledAtMs: host.enrolledAtMs,
    revokedAtMs: host.revokedAtMs,
    fingerprint: fingerprintOfKey(host.publicKey),
    agentVersion: inventory?.agentVersion ?? null,
    upgrade: agentPackage && upgradeStateOf({ host, agent: inventory }, agentPackage.about),
    paused: inventory?.paused ?? null,
    os: inventory?.os ?? null,
    kernel: inventory?.kernel ?? null,
    architecture: inventory?.architecture ?? null,
    cpuModel: inventory?.cpuModel ?? null,
    cores: inventory?.cores ?? null,
    memoryBytes: inventory?.memoryBytes ?? null,
    addresses: inventory?.addresses ?? [],
    drivers: inventory?.drivers ?? [],
    machine: inventory?.machine ?? null,
    processor: inventory?.processor ?? null,
    kvm: inventory?.kvm ?? null,
    release: inventory?.release ?? null,
    packages: inventory?.packages ?? [],
    settings: settingsView(settings),
    guests,
    orphans: [...host.orphans],
  };
}

export function imageView({ resource, host }: OnHost<'image'>, usedBy: readonly GuestId[]): ImageView {
  const { spec } = resource;
  const observed = observedOf(resource, ImageStatus);
  return {
    // Sound: the ids of rows of this kind were made as such.
    id: resource.id as ImageView['id'],
    name: spec.name,
    form: spec.form,
    host,
    storageId: spec.storageId,
    source: spec.source,
    ready: observed?.ready ?? false,
    sizeBytes: observed?.sizeBytes ?? null,
    virtualSizeBytes: observed?.virtualSizeBytes ?? null,
    usedBy: [...usedBy],
    createdAtMs: resource.createdAtMs,
    ...convergenceOf(resource),
  };
}

export function storageView({ resource, host }: OnHost<'storage'>): StorageView {
  const { name, driver, config } = resource.spec;
  const observed = observedOf(resource, StorageStatus);
  const { ready, totalBytes, freeBytes } = observed ?? { ready: false, totalBytes: null, freeBytes: null };
  // Sound: the ids of rows of this kind were made as such.
  return { id: resource.id as StorageView['id'], name, host, driver, config, ready, totalBytes, freeBytes, ...convergenceOf(resource) };
}

export function networkView({ resource, host }: OnHost<'network'>): NetworkView {
  const { name, driver, config } = resource.spec;
  const ready = observedOf(resource, NetworkStatus)?.ready ?? false;
  // Sound: the ids of rows of this kind were made as such.
  return { id: resource.id as NetworkView['id'], name, host, driver, config, ready, ...convergenceOf(resource) };
}

/** Never the spec: it may hold the ticket of a console, or a command with a password in it. */
export function taskView({ task, host }: TaskRecord): TaskView {
  const isWaiting = task.finishedAtMs === null && host !== null && !host.connected;
  return {
    id: task.id,
    title: task.title,
    do: task.spec.do,
    target: { ...task.target, name: task.targetName },
    host: host && { id: host.id, name: host.name },
    state: task.state,
    activity: isWaiting ? null : task.activity,
    waitingFor: isWaiting ? `the host ${host.name}, which is away` : task.waitingFor,
    waitingSinceMs: isWaiting ? host.heardAtMs : null,
    problem: task.problem,
    result: task.result,
    createdBy: task.createdBy,
    createdAtMs: task.createdAtMs,
    finishedAtMs: task.finishedAtMs,
  };
}

export function enrolmentTokenView(
  { tokenHash, name, createdBy, expiresAtMs, usedByHostId, usedBy }: Enrolment & { readonly usedBy: string | null },
  nowMs: number,
): EnrolmentTokenView {
  const state = usedByHostId !== null ? 'used' : expiresAtMs <= nowMs ? 'expired' : 'open';
  return {
    id: enrolmentId(tokenHash),
    name,
    createdBy,
    createdAtMs: expiresAtMs - ENROLMENT_MS,
    expiresAtMs,
    state,
    usedBy,
    usedByHostId,
  };
}

export const userView = ({ id, name, createdAtMs, disabledAtMs }: User, facts: IndexedFacts): UserView => ({
  ...{ id, name, createdAtMs, disabledAtMs: disabledAtMs ?? null },
  roles: rolesOnEverything(facts, { kind: 'user', id }),
});

export function tokenView({ token, userName }: { readonly token: Token; readonly userName: string }, facts: IndexedFacts): TokenView {
  const { id, name, userId, ownGrantsOnly, createdAtMs, lastUsedAtMs, expiresAtMs } = token;
  return {
    ...{ id, name, user: { id: userId, name: userName }, ownGrantsOnly, createdAtMs, lastUsedAtMs, expiresAtMs },
    roles: rolesOnEverything(facts, { kind: 'token', id }),
  };
}

/** What they may do on everything. */
export const privilegesOf = (rights: Rights): Privilege[] => {
  const mine = rights.on(EVERYTHING);
  return Privilege.options.filter((privilege) => mine.has(privilege));
};

const rolesOnEverything = (facts: IndexedFacts, { kind, id }: Principal): string[] =>
  (facts.sources[kind].get(id)?.own.get('/') ?? []).map(({ role }) => role);

export function pageOf<R, V>({ items, next, total }: Page<R>, view: (row: R) => V): Page<V> {
  return { items: items.map(view), next, total };
}

function convergenceOf(held: Held) {
  const { status } = held;
  return {
    generation: held.generation,
    ackedGeneration: held.ackedGeneration,
    appliedGeneration: held.appliedGeneration,
    condition: status && held.ackedGeneration >= held.generation ? status.condition : ('pending' as const),
    activity: status?.activity ?? null,
    waitingFor: status?.waitingFor ?? null,
    problem: status?.problem ?? null,
    deleting: held.deletion !== null,
  };
}

/** What an agent of another version says may not fit: then it is as if it had not spoken. */
function observedOf<S extends z.ZodType>(held: Held, schema: S): z.output<S> | null {
  if (!held.status) return null;
  const parsed = schema.safeParse(held.status.observed);
  return parsed.success ? parsed.data : null;
}
