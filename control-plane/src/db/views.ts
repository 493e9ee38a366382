import { Problem } from '@drover/shared/lib/problem';
import { GuestId, type HostId } from '@drover/shared/model/id';
import type { ResourceRef } from '@drover/shared/model/resource';
import { and, eq, inArray, isNull, like, ne, or, type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { type Held, type Host, isKind, type Task } from '../core/held.ts';
import { didYouMean } from '../core/near.ts';
import type { HostCandidate, ImageDecisionView } from '../core/views.ts';
import { heldOf, heldOfKind, hostOf, keyOf, taskOf } from './rows.ts';
import * as schema from './schema.ts';
import type { Views } from './store.ts';

const { resource, host, task, guestIndex } = schema;

export function createViews(db: LibSQLDatabase): Views {
  return {
    async createGuest(input) {
      const [next] = await db.select().from(schema.counter).where(eq(schema.counter.name, 'guest'));
      return {
        nextGuestId: GuestId.parse(next?.value),
        nameTaken: await guestNameTaken(db, input.name),
        candidates: await candidates(db, input.host),
      };
    },

    async onGuest(ref, newName) {
      const guest = await guestNamed(db, ref);
      return {
        guest,
        host: await hostById(db, guest.hostId),
        tasks: await unfinishedTasks(db, and(eq(task.targetKind, 'guest'), eq(task.targetId, guest.id))),
        nameTaken: newName === undefined ? false : await guestNameTaken(db, newName, Number(guest.id)),
      };
    },

    createImage: async (input) => ({ candidates: await candidates(db, input.host) }),

    async onImage(id) {
      const image = await imageView(db, id);
      if (!image) throw new Problem('not-found', `there is no image ${id}`);
      return image;
    },

    async onTask(id) {
      const [row] = await db.select().from(task).where(sql`${task.id} = ${id}`);
      if (!row) throw new Problem('not-found', `there is no task ${id}`);
      const found = taskOf(row);
      const carrier = (await resources(db, refs([{ kind: 'task', id }])))[0];
      return {
        task: found,
        target: (await resources(db, refs([found.target])))[0] ?? null,
        carrier: carrier && isKind('task')(carrier) ? carrier : null,
        image: found.image === null ? null : await imageView(db, found.image.id),
        targetAsImage: found.target.kind === 'image' ? await imageView(db, found.target.id) : null,
        tasksOfTarget: await unfinishedTasks(db, and(eq(task.targetKind, found.target.kind), eq(task.targetId, found.target.id))),
        hostIsAway: found.hostId !== null && !(await db.select().from(host).where(eq(host.id, found.hostId)))[0]?.connected,
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
        resources: await resources(db, eq(resource.hostId, found.id)),
        tasks: await unfinishedTasks(db, eq(task.hostId, found.id)),
        nameTaken: taken.length > 0,
      };
    },

    async enrolment(tokenHash, hostId) {
      const [enrolment] = await db.select().from(schema.enrolment).where(eq(schema.enrolment.tokenHash, tokenHash));
      const [existing] = await db.select().from(host).where(eq(host.id, hostId));
      const names = await db.select({ name: host.name }).from(host);
      return {
        enrolment: enrolment ?? null,
        existing: existing ? hostOf(existing) : null,
        namesTaken: new Set(names.map(({ name }) => name)),
      };
    },

    async onReport(hostId, asked) {
      const [row] = await db.select().from(host).where(eq(host.id, hostId));
      if (!row) return null;
      const tasks = await unfinishedTasks(db, eq(task.hostId, hostId));
      const wanted =
        asked === 'all'
          ? undefined
          : refs([
              ...asked,
              ...tasks.flatMap(({ target, image }) => (image ? [target, { kind: 'image' as const, id: image.id }] : [target])),
            ]);
      return {
        host: hostOf(row),
        resources: asked !== 'all' && !wanted ? [] : await resources(db, and(eq(resource.hostId, hostId), wanted)),
        tasks,
      };
    },
  };
}

/** SQL for "one of these"; undefined for an empty list. */
function refs(list: readonly ResourceRef[]): SQL | undefined {
  const unique = [...new Map(list.map((ref) => [keyOf(ref), ref])).values()];
  const kinds = [...new Set(unique.map(({ kind }) => kind))];
  return or(
    ...kinds.map((kind) =>
      and(
        eq(resource.kind, kind),
        inArray(
          resource.id,
          unique.filter((ref) => ref.kind === kind).map(({ id }) => id),
        ),
      ),
    ),
  );
}

const resources = async (db: LibSQLDatabase, where: SQL | undefined): Promise<Held[]> =>
  (await db.select().from(resource).where(where)).map(heldOf);

const unfinishedTasks = async (db: LibSQLDatabase, where: SQL | undefined): Promise<Task[]> =>
  (
    await db
      .select()
      .from(task)
      .where(and(isNull(task.finishedAtMs), where))
      .orderBy(task.createdAtMs, task.id)
  ).map(taskOf);

async function guestNameTaken(db: LibSQLDatabase, name: string, exceptId = 0): Promise<boolean> {
  const rows = await db
    .select({ id: guestIndex.id })
    .from(guestIndex)
    .where(and(eq(guestIndex.name, name), ne(guestIndex.id, exceptId)));
  return rows.length > 0;
}

async function guestNamed(db: LibSQLDatabase, ref: string): Promise<Held<'guest'>> {
  const byId = /^\d+$/.test(ref);
  const [row] = await db
    .select()
    .from(resource)
    .where(and(eq(resource.kind, 'guest'), byId ? eq(resource.id, ref) : eq(resource.name, ref)));
  if (row) return heldOfKind('guest', row);
  const [gone] = byId
    ? await db
        .select({ id: schema.resourceVersion.id })
        .from(schema.resourceVersion)
        .where(and(eq(schema.resourceVersion.kind, 'guest'), eq(schema.resourceVersion.id, ref)))
        .limit(1)
    : [];
  if (gone) throw new Problem('not-found', `guest ${ref} was deleted`);
  const near = await db
    .select({ name: guestIndex.name })
    .from(guestIndex)
    .where(like(guestIndex.name, `${ref.slice(0, 1).replaceAll(/[%_]/g, '')}%`))
    .limit(1_000);
  throw new Problem('not-found', `there is no guest ${ref}`, {
    suggestion: byId
      ? undefined
      : didYouMean(
          ref,
          near.map(({ name }) => name),
        ),
  });
}

async function hostById(db: LibSQLDatabase, id: HostId): Promise<Host> {
  const [row] = await db.select().from(host).where(eq(host.id, id));
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
  const ids = hosts.map(({ id }) => id);
  const fabric = await resources(db, and(inArray(resource.hostId, ids), inArray(resource.kind, ['storage', 'network', 'image'])));
  const promised = await db
    .select({ hostId: guestIndex.hostId, bytes: sql<number>`sum(${guestIndex.memoryBytes})` })
    .from(guestIndex)
    .where(and(inArray(guestIndex.hostId, ids), eq(guestIndex.wishedPower, 'running')))
    .groupBy(guestIndex.hostId);
  return hosts.map((candidate) => {
    const here = fabric.filter(({ hostId }) => hostId === candidate.id);
    return {
      host: candidate,
      storages: here.filter(isKind('storage')),
      networks: here.filter(isKind('network')),
      images: here.filter(isKind('image')),
      promisedMemoryBytes: promised.find(({ hostId }) => hostId === candidate.id)?.bytes ?? 0,
    };
  });
}

async function imageView(db: LibSQLDatabase, id: string): Promise<ImageDecisionView | null> {
  const [row] = await db
    .select()
    .from(resource)
    .where(and(eq(resource.kind, 'image'), eq(resource.id, id)));
  if (!row) return null;
  const image = heldOfKind('image', row);
  const guests = await resources(
    db,
    and(eq(resource.kind, 'guest'), eq(resource.hostId, image.hostId), sql`instr(${resource.spec}, ${`"${id}"`}) > 0`),
  );
  return {
    image,
    host: await hostById(db, image.hostId),
    usedBy: guests.filter(isKind('guest')).map((guest) => ({ id: GuestId.parse(Number(guest.id)), name: guest.spec.name })),
    tasks: await unfinishedTasks(db, and(eq(task.targetKind, 'image'), eq(task.targetId, id))),
  };
}
