import type { AccessFacts } from '@drover/shared/access/facts';
import { type IndexedFacts, indexFacts } from '@drover/shared/access/index-facts';
import { BUILT_IN_ROLES } from '@drover/shared/access/role';
import type { GroupId, UserId } from '@drover/shared/model/id';
import { and, asc, count, eq, or, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { OWNERS } from './commit-rights.ts';
import { poolRooms } from './pool-rooms.ts';
import type { Questions } from './questions.ts';
import { afterName, pageOf } from './reads.ts';
import type { GrantRecord, RightsStore } from './rights-store.ts';
import * as schema from './schema.ts';
import { thingFinder } from './things.ts';

const { accessGrant, accessGroup, accessRole, groupMember, pool, poolMember, token, user } = schema;

export function createRightsStore(db: LibSQLDatabase, ask: Questions): RightsStore {
  let known: { readonly version: number; readonly facts: IndexedFacts } | null = null;

  /** The facts of one moment: what changes while they are read, changes the version too. */
  async function read(): Promise<IndexedFacts> {
    for (;;) {
      const version = await versionNow();
      if (known?.version === version) return known.facts;
      const facts = indexFacts(await factsOf(db));
      if ((await versionNow()) !== version) continue;
      known = { version, facts };
      return facts;
    }
  }
  const versionNow = async (): Promise<number> => (await ask.accessVersion.all())[0]?.value ?? 0;

  async function grantsWhere(where: ReturnType<typeof and>): Promise<GrantRecord[]> {
    const rows = await db
      .select({ grant: accessGrant, principalName: PRINCIPAL_NAME })
      .from(accessGrant)
      .where(where)
      .orderBy(asc(accessGrant.scope), asc(accessGrant.createdAtMs), asc(accessGrant.id));
    return rows.map(({ grant: { principalKind, principalId, ...rest }, principalName }) => ({
      grant: { ...rest, principal: { kind: principalKind, id: principalId } },
      principalName,
    }));
  }

  async function members(ids: readonly GroupId[]): Promise<ReadonlyMap<GroupId, { readonly id: UserId; readonly name: string }[]>> {
    const rows = await db
      .select({ groupId: groupMember.groupId, id: user.id, name: user.name })
      .from(groupMember)
      .innerJoin(user, eq(user.id, groupMember.userId))
      .where(sql`${groupMember.groupId} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`)
      .orderBy(asc(user.name));
    const found = new Map<GroupId, { id: UserId; name: string }[]>();
    for (const { groupId, ...member } of rows) found.set(groupId, [...(found.get(groupId) ?? []), member]);
    return found;
  }

  return {
    facts: read,
    find: thingFinder(db),

    grants: ({ scope, principal }) =>
      grantsWhere(
        and(
          scope === undefined ? undefined : eq(accessGrant.scope, scope),
          principal === undefined
            ? undefined
            : and(eq(accessGrant.principalKind, principal.kind), eq(accessGrant.principalId, principal.id)),
        ),
      ),
    grant: async (id) => (await grantsWhere(sql`${accessGrant.id} = ${id}`))[0] ?? null,
    async ownersBeside({ grant, user: person, group }) {
      const [row] = await db.all<{ total: number }>(
        sql`SELECT count(DISTINCT id) AS total FROM (${sql.raw(OWNERS)})
          WHERE grant_id IS NOT ${grant ?? null} AND id IS NOT ${person ?? null} AND (kind <> 'group' OR principal IS NOT ${group ?? null})`,
      );
      return row?.total ?? 0;
    },

    async group(ref) {
      const [group] = await db
        .select()
        .from(accessGroup)
        .where(or(sql`${accessGroup.id} = ${ref}`, eq(accessGroup.name, ref)));
      return group ? { group, members: (await members([group.id])).get(group.id) ?? [] } : null;
    },
    async groups(list) {
      const where = list.name === undefined ? undefined : eq(accessGroup.name, list.name);
      const found = await db
        .select()
        .from(accessGroup)
        .where(and(where, afterName(accessGroup.name, accessGroup.id, list.after)))
        .orderBy(asc(accessGroup.name), asc(accessGroup.id))
        .limit(list.limit + 1);
      const [row] = await db.select({ total: count() }).from(accessGroup).where(where);
      const page = pageOf(found, list.limit, row?.total ?? 0, ({ id, name }) => `${name}/${id}`);
      const theirs = await members(page.items.map(({ id }) => id));
      return { ...page, items: page.items.map((group) => ({ group, members: theirs.get(group.id) ?? [] })) };
    },

    async role(name) {
      const [row] = await db.select().from(accessRole).where(eq(accessRole.name, name));
      return row ?? null;
    },
    roles: () => db.select().from(accessRole).orderBy(asc(accessRole.name)),

    async pool(path) {
      const [found] = await db.select().from(pool).where(eq(pool.path, path));
      if (!found) return null;
      const inIt = await db
        .select({
          kind: poolMember.kind,
          id: poolMember.id,
          name: sql<string>`(SELECT r.name FROM resource r WHERE r.kind = ${poolMember.kind} AND r.id = ${poolMember.id})`,
        })
        .from(poolMember)
        .where(eq(poolMember.pool, path))
        .orderBy(asc(poolMember.kind), asc(poolMember.id));
      return { pool: found, members: inIt };
    },
    pools: () => db.select().from(pool).orderBy(asc(pool.path)),
    rooms: async (path) => (await poolRooms(db, path)) ?? [],
  };
}

const PRINCIPAL_NAME = sql<string | null>`CASE ${accessGrant.principalKind}
  WHEN 'user' THEN (SELECT user.name FROM user WHERE user.id = ${accessGrant.principalId})
  WHEN 'group' THEN (SELECT access_group.name FROM access_group WHERE access_group.id = ${accessGrant.principalId})
  ELSE (SELECT user.name || '!' || token.name FROM token JOIN user ON user.id = token.user_id WHERE token.id = ${accessGrant.principalId}) END`;

const HAS_SECOND_FACTOR = sql<number>`EXISTS (SELECT 1 FROM totp WHERE totp.user_id = ${user.id} AND totp.confirmed_at_ms IS NOT NULL)
  OR EXISTS (SELECT 1 FROM passkey WHERE passkey.user_id = ${user.id})`;

const BUILT_IN = BUILT_IN_ROLES.map(({ name, privileges, cancels }) => ({ name, privileges: [...privileges], cancels }));

async function factsOf(db: LibSQLDatabase): Promise<AccessFacts> {
  const [users, groups, memberships, roles, grants, pools, inPools, tokens] = await db.batch([
    db.select({ id: user.id, name: user.name, disabledAtMs: user.disabledAtMs, hasSecondFactor: HAS_SECOND_FACTOR }).from(user),
    db.select({ id: accessGroup.id, name: accessGroup.name }).from(accessGroup),
    db.select().from(groupMember),
    db.select().from(accessRole),
    db.select().from(accessGrant),
    db.select({ path: pool.path }).from(pool),
    db.select().from(poolMember).where(sql`${poolMember.kind} <> 'guest'`),
    db
      .select({ id: token.id, name: token.name, owner: token.userId, ownGrantsOnly: token.ownGrantsOnly, expiresAtMs: token.expiresAtMs })
      .from(token)
      .where(eq(token.kind, 'api')),
  ]);
  const membersOf = new Map<string, string[]>();
  for (const { groupId, userId } of memberships) membersOf.set(groupId, [...(membersOf.get(groupId) ?? []), userId]);
  return {
    users: users.map(({ id, name, disabledAtMs, hasSecondFactor }) => ({
      ...{ id, name, expiresAtMs: null },
      ...{ isEnabled: disabledAtMs === null, hasSecondFactor: hasSecondFactor === 1 },
    })),
    groups: groups.map((each) => ({ ...each, members: membersOf.get(each.id) ?? [] })),
    roles: [...BUILT_IN, ...roles.map(({ name, privileges }) => ({ name, privileges: [...privileges], cancels: false }))],
    containers: pools.map(({ path }) => ({
      path: `/pool/${path}`,
      members: inPools.flatMap(({ kind, id, pool: its }) => (its === path ? [`/${kind}/${id}`] : [])),
    })),
    tokens,
    grants: grants.map(({ id, principalKind, principalId, role, scope, inherit, untilMs }) => ({
      ...{ id, role, scope, inherit, untilMs },
      principal: { kind: principalKind, id: principalId },
    })),
  };
}
