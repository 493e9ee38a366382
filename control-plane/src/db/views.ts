import { grouped } from '@drover/shared/lib/grouped';
import { Problem } from '@drover/shared/lib/problem';
import { GuestId, type HostId } from '@drover/shared/model/id';
import { type ResourceRef, refKey } from '@drover/shared/model/resource';
import type { PublicKey } from '@drover/shared/protocol/agent-api';
import { hostIdOfKey } from '@drover/shared/protocol/host-key';
import { and, eq, inArray, like, ne, or, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { type Held, type Host, isKind, type Task } from '../core/held.ts';
import { didYouMean } from '../core/near.ts';
import type { GuestDecisionView, HostCandidate, ImageDecisionView, ReportView } from '../core/views.ts';
import { type Defer, gathered } from './gathered.ts';
import { poolRooms, roomsOfGuest } from './pool-rooms.ts';
import { listOf, type Questions } from './questions.ts';
import { inventoriesOf, settingsOf } from './reads.ts';
import { heldOf, heldOfKind, hostOf, isGuestId, taskOf } from './rows.ts';
import * as schema from './schema.ts';
import type { Views } from './store.ts';

const { resource, host, guestIndex, guestCount } = schema;

export function createViews(db: LibSQLDatabase, ask: Questions, defer: Defer | null): Views {
  const onReport = gathered((spoken: readonly Spoken[]) => reportViews(ask, spoken), defer);
  return {
    async createGuest(input) {
      return {
        nextGuestId: await nextGuestId(db),
        nameTaken: await guestNameTaken(db, input.name),
        rooms: input.pool === undefined ? [] : await roomsNamed(db, input.pool),
        candidates: await candidates(db, input.host),
      };
    },

    async onGuest(ref, newName) {
      const guest = await guestNamed(db, ask, ref);
      return {
        guest,
        host: await hostById(ask, guest.hostId),
        tasks: await tasksOf(ask, guest),
        nameTaken: newName === undefined ? false : await guestNameTaken(db, newName, Number(guest.id)),
        rooms: await roomsOfGuest(db, guest.id),
      };
    },

    onGuests: (refs) => guestViews(ask, refs),

    createImage: async (input) => ({ candidates: await candidates(db, input.host) }),

    async onImage(id) {
      const image = await imageView(db, ask, id);
      if (!image) throw new Problem('not-found', `there is no image ${id}`);
      return image;
    },

    async onTask(id) {
      const [row] = await ask.task.all({ id });
      if (!row) throw new Problem('not-found', `there is no task ${id}`);
      const found = taskOf(row);
      const [carrier] = (await ask.resource.all({ kind: 'task', id })).map(heldOf);
      const [target] = (await ask.resource.all(found.target)).map(heldOf);
      return {
        task: found,
        target: target ?? null,
        carrier: carrier && isKind('task')(carrier) ? carrier : null,
        image: found.image === null ? null : await imageView(db, ask, found.image.id),
        targetAsImage: found.target.kind === 'image' ? await imageView(db, ask, found.target.id) : null,
        tasksOfTarget: await tasksOf(ask, found.target),
        hostIsAway: found.hostId !== null && !(await ask.host.all({ id: found.hostId }))[0]?.connected,
      };
    },

    async onHost(ref, newName) {
      const found = await hostNamed(db, ref);
      const taken =
        newName === undefined
          ? []
          : await db
              .select({ id: host.id })
              .from(host)
              .where(and(eq(host.name, newName), ne(host.id, found.id)));
      return {
        host: found,
        inventory: (await inventoriesOf(db, [found.id])).get(found.id) ?? null,
        resources: (await ask.resourcesOfHost.all({ hostId: found.id })).map(heldOf),
        tasks: (await ask.tasksOfHost.all({ hostId: found.id })).map(taskOf),
        nameTaken: taken.length > 0,
      };
    },

    async enrolment(tokenHash, publicKey) {
      const [enrolment] = await db.select().from(schema.enrolment).where(eq(schema.enrolment.tokenHash, tokenHash));
      const { existing, forgotten } = publicKey ? await ofKey(db, ask, publicKey) : NO_KEY;
      const names = await db.select({ name: host.name }).from(host);
      const cells = await db.all<{ name: string }>(EMPTIEST_CELL);
      return {
        enrolment: enrolment ?? null,
        existing,
        cell: cells[0]?.name ?? null,
        forgotten,
        namesTaken: new Set(names.map(({ name }) => name)),
      };
    },

    onReport: (hostId, asked) => (asked === 'all' ? helloView(ask, hostId) : onReport({ hostId, refs: asked })),
  };
}

const NO_KEY = { existing: null, forgotten: null };

/** The host that this key is or was the first key of, and the one that was forgotten with it. */
async function ofKey(db: LibSQLDatabase, ask: Questions, publicKey: PublicKey) {
  const id = hostIdOfKey(publicKey);
  const [byId] = await ask.host.all({ id });
  const [byKey] = await db.select().from(host).where(sql`json_extract(${host.publicKey}, '$.x') = ${publicKey.x}`);
  const existing = byKey ?? byId;
  const { forgottenHost } = schema;
  const [forgotten] = await db
    .select({ name: forgottenHost.name })
    .from(forgottenHost)
    .where(or(eq(forgottenHost.publicKey, publicKey.x), eq(forgottenHost.id, id)));
  return { existing: existing ? hostOf(existing) : null, forgotten: forgotten ?? null };
}

const EMPTIEST_CELL = sql`SELECT cell.name AS name FROM cell LEFT JOIN host ON host.cell = cell.name
  WHERE cell.is_draining = 0 AND cell.is_reached = 1 GROUP BY cell.name ORDER BY count(host.cell), cell.name LIMIT 1`;

async function helloView(ask: Questions, hostId: HostId): Promise<ReportView | null> {
  const [row] = await ask.host.all({ id: hostId });
  if (!row) return null;
  const resources = (await ask.resourcesOfHost.all({ hostId })).map(heldOf);
  const [hardware] = await ask.hardwareDigest.all({ hostId });
  return {
    host: hostOf(row),
    resources,
    tasks: (await ask.tasksOfHost.all({ hostId })).map(taskOf),
    hardwareDigest: hardware?.digest ?? null,
  };
}

interface Spoken {
  readonly hostId: HostId;
  readonly refs: readonly ResourceRef[];
}

/** In three questions, however many hosts; in two when none of them speaks of anything, as in a heartbeat. */
async function reportViews(ask: Questions, spoken: readonly Spoken[]): Promise<readonly (ReportView | null)[]> {
  const ids = JSON.stringify([...new Set(spoken.map(({ hostId }) => hostId))]);
  const hosts = new Map((await ask.hostsAmong.all({ ids })).map((row) => [row.id, hostOf(row)]));
  const tasks = grouped((await ask.tasksOfHosts.all({ ids })).map(taskOf), ({ hostId }) => hostId);
  const wanted = spoken.map(({ hostId, refs }) => {
    const its = tasks.get(hostId) ?? [];
    const about = its.flatMap(({ target, image }) => (image ? [target, { kind: 'image' as const, id: image.id }] : [target]));
    return { hostId, tasks: its, refs: [...refs, ...about] };
  });
  const list = listOf(wanted.flatMap(({ refs }) => refs));
  // A host is shown its own alone, whatever it speaks of.
  const held = list === '[]' ? [] : (await ask.resourcesAmong.all({ list })).map(heldOf);
  const heldBy = grouped(held, ({ hostId }) => hostId);
  return wanted.map(({ hostId, refs, ...rest }) => {
    const [host, keys] = [hosts.get(hostId), new Set(refs.map(refKey))];
    return host
      ? { host, ...rest, hardwareDigest: null, resources: (heldBy.get(hostId) ?? []).filter((each) => keys.has(refKey(each))) }
      : null;
  });
}

const tasksOf = async (ask: Questions, { kind, id }: ResourceRef): Promise<Task[]> => (await ask.tasksOf.all({ kind, id })).map(taskOf);

/**
 * Ids that guests out there bear are not given to new ones, even if this database, restored, has forgotten them. They are passed
 * over and not counted up to: one host that lies would otherwise use up everybody's numbers.
 */
async function nextGuestId(db: LibSQLDatabase): Promise<GuestId> {
  const [next] = await db.select().from(schema.counter).where(eq(schema.counter.name, 'guest'));
  const orphans = await db.all<{ id: string }>(
    sql`SELECT json_extract(value, '$.id') AS id FROM host, json_each(host.orphans) WHERE json_extract(value, '$.kind') = 'guest'`,
  );
  const taken = new Set(orphans.map(({ id }) => id));
  let id = GuestId.parse(next?.value);
  while (taken.has(String(id))) id = GuestId.parse(id + 1);
  return id;
}

async function roomsNamed(db: LibSQLDatabase, path: string) {
  const rooms = await poolRooms(db, path);
  if (!rooms) throw new Problem('not-found', `there is no pool ${path}`, { field: 'pool' });
  return rooms;
}

async function guestNameTaken(db: LibSQLDatabase, name: string, exceptId = 0): Promise<boolean> {
  const rows = await db
    .select({ id: guestIndex.id })
    .from(guestIndex)
    .where(and(eq(guestIndex.name, name), ne(guestIndex.id, exceptId)));
  return rows.length > 0;
}

async function guestNamed(db: LibSQLDatabase, ask: Questions, ref: string): Promise<Held<'guest'>> {
  const byId = isGuestId(ref);
  const [row] = await (byId ? ask.resource.all({ kind: 'guest', id: ref }) : ask.guestByName.all({ name: ref }));
  if (row) return heldOfKind('guest', row);
  const [gone] = byId
    ? await db
        .select({ id: schema.resourceVersion.id })
        .from(schema.resourceVersion)
        .where(and(eq(schema.resourceVersion.kind, 'guest'), eq(schema.resourceVersion.id, ref)))
        .limit(1)
    : [];
  if (gone) throw new Problem('not-found', `guest ${ref} was deleted`, { field: 'guest' });
  const near = await db
    .select({ name: guestIndex.name })
    .from(guestIndex)
    .where(like(guestIndex.name, `${ref.slice(0, 1).replaceAll(/[%_]/g, '')}%`))
    .limit(1_000);
  throw new Problem('not-found', `there is no guest ${ref}`, {
    field: 'guest',
    suggestion: byId
      ? undefined
      : didYouMean(
          ref,
          near.map(({ name }) => name),
        ),
  });
}

/** In three questions, however many. */
async function guestViews(ask: Questions, refs: readonly string[]): Promise<readonly (GuestDecisionView | null)[]> {
  const [ids, names] = [refs.filter(isGuestId), refs.filter((ref) => !isGuestId(ref))].map((list) => JSON.stringify(list));
  const guests = (await ask.guestsAmong.all({ ids: ids ?? '', names: names ?? '' })).map((row) => heldOfKind('guest', row));
  const hosts = (await ask.hostsAmong.all({ ids: JSON.stringify([...new Set(guests.map(({ hostId }) => hostId))]) })).map(hostOf);
  const tasks = (await ask.tasksOfGuests.all({ ids: JSON.stringify(guests.map(({ id }) => id)) })).map(taskOf);
  const [hostsById, tasksById] = [new Map(hosts.map((each) => [each.id, each])), grouped(tasks, ({ target }) => target.id)];
  const views = new Map<string, GuestDecisionView>();
  for (const guest of guests) {
    const its = hostsById.get(guest.hostId);
    if (!its) continue;
    // To switch it on or off takes no room.
    const view = { guest, host: its, tasks: tasksById.get(guest.id) ?? [], nameTaken: false, rooms: [] };
    views.set(guest.id, view).set(guest.spec.name, view);
  }
  return refs.map((ref) => views.get(ref) ?? null);
}

async function hostById(ask: Questions, id: HostId): Promise<Host> {
  const [row] = await ask.host.all({ id });
  if (!row) throw new Problem('not-found', `host ${id} was forgotten`);
  return hostOf(row);
}

async function hostNamed(db: LibSQLDatabase, ref: string, field?: string): Promise<Host> {
  const [row] = await db
    .select()
    .from(host)
    .where(or(sql`${host.id} = ${ref}`, eq(host.name, ref)));
  if (row) return hostOf(row);
  const names = await db.select({ name: host.name }).from(host).limit(1_000);
  throw new Problem('not-found', `there is no host ${ref}`, {
    field,
    suggestion: didYouMean(
      ref,
      names.map(({ name }) => name),
    ),
  });
}

async function candidates(db: LibSQLDatabase, ref: string | undefined): Promise<HostCandidate[]> {
  const hosts = ref === undefined ? (await db.select().from(host).orderBy(host.name)).map(hostOf) : [await hostNamed(db, ref, 'host')];
  const only = ref === undefined ? undefined : hosts[0]?.id;
  const fabric = await db
    .select()
    .from(resource)
    .where(and(inArray(resource.kind, ['storage', 'network', 'image']), only && eq(resource.hostId, only)));
  const promised = await db
    .select({ hostId: guestCount.hostId, bytes: sql<number>`sum(${guestCount.memoryBytes})` })
    .from(guestCount)
    .where(and(eq(guestCount.wishedPower, 'running'), only && eq(guestCount.hostId, only)))
    .groupBy(guestCount.hostId);
  const promisedTo = new Map(promised.map(({ hostId, bytes }) => [hostId, bytes]));
  const placedOn = new Map<HostId, Held[]>(hosts.map(({ id }) => [id, []]));
  for (const row of fabric) placedOn.get(row.hostId)?.push(heldOf(row));
  const inventories = await inventoriesOf(
    db,
    hosts.map(({ id }) => id),
  );
  const settings = await settingsOf(
    db,
    hosts.map(({ id }) => id),
  );
  return hosts.map((candidate) => {
    const here = placedOn.get(candidate.id) ?? [];
    return {
      host: candidate,
      inventory: inventories.get(candidate.id) ?? null,
      storages: here.filter(isKind('storage')),
      networks: here.filter(isKind('network')),
      images: here.filter(isKind('image')),
      settings: settings.get(candidate.id) ?? null,
      promisedMemoryBytes: promisedTo.get(candidate.id) ?? 0,
    };
  });
}

async function imageView(db: LibSQLDatabase, ask: Questions, id: string): Promise<ImageDecisionView | null> {
  const [row] = await ask.resource.all({ kind: 'image', id });
  if (!row) return null;
  const image = heldOfKind('image', row);
  const guests = await db
    .select()
    .from(resource)
    .where(and(eq(resource.kind, 'guest'), eq(resource.hostId, image.hostId), sql`instr(${resource.spec}, ${`"${id}"`}) > 0`));
  return {
    image,
    host: await hostById(ask, image.hostId),
    usedBy: guests
      .map((guest) => heldOfKind('guest', guest))
      .map((guest) => ({ id: GuestId.parse(Number(guest.id)), name: guest.spec.name })),
    tasks: await tasksOf(ask, image),
  };
}
