import type { CreateGuest, EditGuest } from '@drover/shared/api/requests';
import { canonicalJson, isSameJson } from '@drover/shared/lib/digest';
import { Problem } from '@drover/shared/lib/problem';
import {
  type Disk,
  GiB,
  type GuestSpec,
  GuestStatus,
  MiB,
  macOf,
  type Nic,
  type Power,
  SHUTDOWN_TIMEOUT_S,
} from '@drover/shared/model/guest';
import type { NetworkId, StorageId } from '@drover/shared/model/id';
import { applyTask, changedTasks, checkGeneration, doneTask, refOf, superseded } from './apply-task.ts';
import type { Accepted, Ask, Decision, TaskUpdate, WishWrite } from './change.ts';
import type { Held, Task } from './held.ts';
import { imageForGuest, imageStatusOf } from './images.ts';
import { inWords, type Place, place } from './placement.ts';
import { sizeOf, takeRoom } from './quotas.ts';
import type { RightsWrite } from './rights.ts';
import type { CreateGuestView, GuestDecisionView } from './views.ts';

/** A guest that ignores the request to shut down for this long is not waited for any more. */
const SHUTDOWN_MS = 180_000;
/** Signed and in base64 it must stay below what every broker carries. */
const SPEC_BYTES_MAX = 80 * 1024;

const DEFAULTS = {
  container: { memoryBytes: 512 * MiB, cores: 1, diskBytes: 8 * GiB },
  vm: { memoryBytes: 1 * GiB, cores: 1, diskBytes: 10 * GiB },
} as const;

export function createGuest(view: CreateGuestView, input: CreateGuest, ask: Ask): Decision<Accepted> {
  if (view.nameTaken) throw nameTaken(input.name);
  const memoryBytes = input.memoryBytes ?? DEFAULTS[input.type].memoryBytes;
  const where = placeOrRefuse(view, input, memoryBytes);
  const { host, storage, candidate } = where;
  const root = input.image === undefined ? null : imageForGuest(input.image, input.type, 'image', candidate, storage, ask);
  const cdrom =
    input.type === 'vm' && input.cdrom !== undefined ? imageForGuest(input.cdrom, 'iso', 'cdrom', candidate, storage, ask) : null;
  const neededBytes = root?.image ? (imageStatusOf(root.image).virtualSizeBytes ?? 0) : 0;
  if (input.diskBytes !== undefined && input.diskBytes < neededBytes) {
    throw new Problem('bad-request', `diskBytes: image ${input.image} needs a disk of at least ${Math.ceil(neededBytes / MiB)} MiB`, {
      field: 'diskBytes',
      suggestion: `ask for ${Math.ceil(neededBytes / GiB)} GiB or more`,
    });
  }
  const disk: Disk = {
    name: 'root',
    // Sound, here and below: the ids of rows of these kinds were made as such.
    storageId: storage.id as StorageId,
    sizeBytes: input.diskBytes ?? Math.max(DEFAULTS[input.type].diskBytes, neededBytes),
    imageId: root?.id ?? null,
  };
  const nic: Nic = { name: 'net0', networkId: where.network.id as NetworkId, mac: macOf(view.nextGuestId, 0) };
  const spec = specOf(input, memoryBytes, disk, nic, cdrom?.id ?? null);
  checkSize(spec);
  const id = String(view.nextGuestId);
  const wishes: WishWrite[] = [
    { kind: 'guest', id, hostId: host.id, generation: 1, spec, deletion: null },
    ...(root?.wishes ?? []),
    ...(cdrom?.wishes ?? []),
  ];
  const task = applyTask(
    {
      purpose: 'create',
      title: `create guest ${spec.name}`,
      target: { kind: 'guest', id },
      targetName: spec.name,
      hostId: host.id,
      generation: 1,
      image: root?.awaited ?? cdrom?.awaited ?? null,
    },
    ask,
  );
  const written = new Set(wishes.map((wish) => wish.id));
  const grounds = [storage, where.network, root?.image, cdrom?.image].filter((held) => held !== null && held !== undefined);
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      wishes,
      restsOn: grounds.filter((held) => !written.has(held.id)).map((held) => ({ ...refOf(held), generation: held.generation })),
      newTasks: [task],
      rights: [...takeRoom(view.rooms, null, sizeOf(spec)), ...intoPool(input.pool, id)],
      events: [...wishes.map((wish) => ({ kind: wish.kind, id: wish.id, gone: false })), ...changedTasks([task])],
    },
    answer: { ref: task.target, taskId: task.id },
  };
}

const intoPool = (path: string | undefined, id: string): RightsWrite[] =>
  path === undefined ? [] : [{ do: 'set-pool', member: { kind: 'guest', id }, path }];

function placeOrRefuse(view: CreateGuestView, input: CreateGuest, memoryBytes: number): Place {
  const placed = place(view.candidates, { type: input.type, memoryBytes, isNamed: input.host !== undefined });
  if ('place' in placed) return placed.place;
  const [first] = placed.rejected;
  if (!first) {
    throw new Problem('no-host', 'there is no host yet', { suggestion: 'add a host first: drover host add', retryable: true });
  }
  throw new Problem('no-host', `no host can take this guest (${inWords(placed.rejected)})`, {
    field: input.host === undefined ? undefined : 'host',
    retryable: true,
    suggestion: input.host === undefined ? undefined : 'leave the host out, or name another',
  });
}

function specOf(input: CreateGuest, memoryBytes: number, disk: Disk, nic: Nic, cdromImageId: Held<'image'>['id'] | null): GuestSpec {
  const power: Power = input.start ? 'running' : 'off';
  const common = {
    name: input.name,
    tags: [...new Set(input.tags ?? [])],
    notes: input.notes ?? '',
    power,
    powerRequest: input.start ? 1 : 0,
    startAtBoot: input.startAtBoot ?? false,
    memoryBytes,
    cores: input.cores ?? DEFAULTS[input.type].cores,
    disks: [disk],
    nics: [nic],
    sshKeys: input.sshKeys ?? [],
  };
  if (input.type === 'container') {
    return {
      type: 'container',
      ...common,
      swapBytes: input.swapBytes ?? 0,
      processesMax: input.processesMax ?? 4_096,
      unprivileged: input.unprivileged ?? true,
    };
  }
  type Cdrom = Extract<GuestSpec, { type: 'vm' }>['cdromImageId'];
  // Sound: it is the id of an image that was looked up or made.
  return { type: 'vm', ...common, firmware: input.firmware ?? 'uefi', cdromImageId: cdromImageId as Cdrom };
}

export function editGuest(view: GuestDecisionView, input: EditGuest, ask: Ask): Decision<Accepted> {
  const { guest } = view;
  checkChangeable(guest, ask);
  const { swapBytes, processesMax, startOrder, startDelayS, shutdownTimeoutS, ...forAll } = withoutUndefined(input);
  if (guest.spec.type === 'vm') {
    const field = swapBytes !== undefined ? 'swapBytes' : processesMax !== undefined ? 'processesMax' : null;
    if (field) throw new Problem('bad-request', `${field}: only containers have it`, { field });
  }
  if (view.nameTaken && input.name !== undefined && input.name !== guest.spec.name) throw nameTaken(input.name);
  const { startOrder: _order, startDelayS: _delay, shutdownTimeoutS: _timeout, ...rest } = guest.spec;
  const spec = {
    ...rest,
    ...bootOf({
      startOrder: startOrder === undefined ? guest.spec.startOrder : (startOrder ?? undefined),
      startDelayS: startDelayS ?? guest.spec.startDelayS,
      shutdownTimeoutS: shutdownTimeoutS ?? guest.spec.shutdownTimeoutS,
      type: guest.spec.type,
    }),
    ...forAll,
    ...(forAll.tags ? { tags: [...new Set(forAll.tags)] } : {}),
    ...(guest.spec.type === 'container' ? withoutUndefined({ swapBytes, processesMax }) : {}),
  } as GuestSpec; // Sound: fields of a container are added to a container alone, just above.
  checkSize(spec);
  const rights = takeRoom(view.rooms, sizeOf(guest.spec), sizeOf(spec));
  const decision = wishFor(view, spec, { purpose: 'edit', title: `edit guest ${spec.name}` }, [], ask);
  return { ...decision, change: { ...decision.change, rights } };
}

/** What equals the default is left out: agents of before know none of it. */
function bootOf({ startOrder, startDelayS, shutdownTimeoutS, type }: BootSettings): Partial<GuestSpec> {
  return withoutUndefined({
    startOrder,
    startDelayS: startDelayS === 0 ? undefined : startDelayS,
    shutdownTimeoutS: shutdownTimeoutS === SHUTDOWN_TIMEOUT_S[type] ? undefined : shutdownTimeoutS,
  });
}

interface BootSettings {
  readonly startOrder: number | undefined;
  readonly startDelayS: number | undefined;
  readonly shutdownTimeoutS: number | undefined;
  readonly type: GuestSpec['type'];
}

const POWER_WORDS = {
  running: { purpose: 'start', verb: 'start' },
  shutdown: { purpose: 'shutdown', verb: 'shut down' },
  off: { purpose: 'stop', verb: 'stop' },
} as const satisfies Record<Power, { purpose: Task['purpose']; verb: string }>;

export function setPower(view: GuestDecisionView, power: Power, ask: Ask): Decision<Accepted> {
  const { guest, tasks } = view;
  checkChangeable(guest, ask);
  const { purpose, verb } = POWER_WORDS[power];
  const awaited = { purpose, title: `${verb} guest ${guest.spec.name}` } as const;
  if (isAlready(view, power)) return wishFor(view, guest.spec, awaited, [], ask);
  const others = (['start', 'shutdown', 'stop'] as const).filter((other) => other !== purpose);
  const ended = superseded(tasks, others, 'superseded by a newer wish', ask.nowMs);
  return wishFor(view, { ...guest.spec, power, powerRequest: guest.spec.powerRequest + 1 }, awaited, ended, ask);
}

/** As wished and seen to be so; or the very same is under way and has not failed. */
function isAlready({ guest, host }: GuestDecisionView, power: Power): boolean {
  const stays = guest.status?.condition !== 'needs-attention' && guest.status?.condition !== 'unsupported';
  if (guest.appliedGeneration < guest.generation) return guest.spec.power === power && stays && !endedByItself(guest);
  if (!host.connected) return false;
  const seen = observedPower(guest);
  return power === 'running' ? seen === 'running' && guest.spec.power === 'running' : seen === 'stopped' && guest.spec.power !== 'running';
}

const statusOf = (guest: Held<'guest'>): GuestStatus | null => GuestStatus.safeParse(guest.status?.observed).data ?? null;
const observedPower = (guest: Held<'guest'>) => statusOf(guest)?.power ?? 'unknown';
const endedByItself = (guest: Held<'guest'>): boolean => observedPower(guest) === 'stopped' && statusOf(guest)?.end === 'self';

export function removeGuest(view: GuestDecisionView, input: { readonly force: boolean }, ask: Ask): Decision<Accepted> {
  const { guest, tasks } = view;
  checkGeneration(guest, ask);
  const awaited = { purpose: 'delete', title: `delete guest ${guest.spec.name}` } as const;
  if (!guest.deletion && !input.force && observedPower(guest) === 'running') {
    throw new Problem('wrong-state', `guest ${guest.spec.name} is running`, {
      suggestion: 'shut it down first, or delete it with force=true',
    });
  }
  const ended = superseded(tasks, ['create', 'edit', 'start', 'shutdown', 'stop'], 'the guest was deleted', ask.nowMs);
  return guest.deletion ? wishFor(view, guest.spec, awaited, [], ask) : wishFor(view, tombstoneOf(guest, ask), awaited, ended, ask);
}

export function tombstoneOf(guest: Held<'guest'>, ask: Pick<Ask, 'nowMs'>): WishWrite & { readonly kind: 'guest' } {
  return {
    kind: 'guest',
    id: guest.id,
    hostId: guest.hostId,
    generation: guest.generation + 1,
    spec: { ...guest.spec, power: 'off' },
    deletion: { requestedAtMs: ask.nowMs, destroys: guest.spec.disks.map(({ name }) => name) },
  };
}

/** The next generation of a guest, and the task that waits for it. A wish that says nothing new is not written again: its task waits for what is there. */
export function wishFor(
  view: Pick<GuestDecisionView, 'guest'>,
  next: GuestSpec | (WishWrite & { readonly kind: 'guest' }),
  awaited: { readonly purpose: Task['purpose']; readonly title: string },
  ended: readonly TaskUpdate[],
  ask: Ask,
): Decision<Accepted> {
  const { guest } = view;
  const wish =
    'kind' in next
      ? next
      : ({
          kind: 'guest',
          id: guest.id,
          hostId: guest.hostId,
          generation: guest.generation + 1,
          spec: next,
          deletion: guest.deletion,
        } as const);
  const isNew = !isSameJson([wish.spec, wish.deletion], [guest.spec, guest.deletion]);
  const generation = isNew ? wish.generation : guest.generation;
  const holds = !isNew && !guest.deletion && guest.appliedGeneration >= generation;
  const task = (holds ? doneTask : applyTask)(
    {
      ...awaited,
      target: refOf(guest),
      targetName: wish.spec.name,
      hostId: guest.hostId,
      generation,
      ...(awaited.purpose === 'shutdown' ? { deadlineAtMs: ask.nowMs + SHUTDOWN_MS } : {}),
    },
    ask,
  );
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      ...(isNew ? { wishes: [wish] } : { restsOn: [{ ...refOf(guest), generation }] }),
      newTasks: [task],
      taskUpdates: ended,
      events: [...(isNew ? [{ kind: 'guest', id: guest.id, gone: false } as const] : []), ...changedTasks([task, ...ended])],
    },
    answer: { ref: refOf(guest), taskId: task.id },
  };
}

function checkChangeable(guest: Held<'guest'>, ask: Ask): void {
  checkGeneration(guest, ask);
  if (guest.deletion) throw new Problem('gone', `guest ${guest.spec.name} is being deleted`);
}

function checkSize(spec: GuestSpec): void {
  if (canonicalJson(spec).length <= SPEC_BYTES_MAX) return;
  throw new Problem('too-large', 'the notes and SSH keys of this guest are too long taken together', {
    field: spec.notes.length > SPEC_BYTES_MAX / 2 ? 'notes' : 'sshKeys',
    suggestion: 'leave some out',
  });
}

const nameTaken = (name: string): Problem =>
  new Problem('name-taken', `there is a guest called ${name} already`, { field: 'name', suggestion: 'choose another name' });

/** A copy without members that are there but undefined: exactOptionalPropertyTypes tells them apart. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Sound: exactly the undefined members were left out.
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
