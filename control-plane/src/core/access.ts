import type { IndexedFacts } from '@drover/shared/access/index-facts';
import { Privilege } from '@drover/shared/access/privilege';
import type { Thing } from '@drover/shared/access/scope';
import { Problem } from '@drover/shared/lib/problem';
import type { PoolQuota } from '@drover/shared/model/access';
import type { GrantId, GroupId, UserId } from '@drover/shared/model/id';
import type { Change, Decision, EventKind } from './change.ts';
import { type PoolRoom, type Size, takeRoom } from './quotas.ts';
import type { CustomRole, Grant, Group, Pool, PoolMember, RightsWrite } from './rights.ts';
import { type Rights, rightsOf } from './rights-of.ts';
import { ACCESS, EVERYTHING } from './things.ts';

/** Who asks, and when. */
export interface Asker {
  readonly by: string;
  readonly nowMs: number;
  readonly rights: Rights;
}

/**
 * May they give this role there, or take it from somebody? It takes the right to change permissions there, and each privilege that the
 * role has: nobody gives away what is not theirs, nor to themselves.
 */
export function mayGrant(rights: Rights, role: string, thing: Thing): boolean {
  const privileges = rights.facts.roles.get(role)?.privileges ?? new Set<string>();
  return rights.may('Permissions.Modify', thing) && [...privileges].every((privilege) => has(rights, privilege, thing));
}

const has = (rights: Rights, privilege: string, thing: Thing): boolean => {
  const known = Privilege.safeParse(privilege);
  return known.success && rights.may(known.data, thing);
};

/** May they act for this person: make a link that signs them in, or remove them? Only who has all that the person has. */
export function mayStandIn(rights: Rights, userId: string, thingAt: (scope: string) => Thing): boolean {
  if (!rights.may('User.Modify', ACCESS)) return false;
  return grantsOf(rights.facts, userId).every(({ role, scope }) => {
    const { privileges } = rights.facts.roles.get(role) ?? { privileges: new Set<string>() };
    return [...privileges].every((privilege) => has(rights, privilege, thingAt(scope)));
  });
}

/** Has this person every privilege there is, on everything? What is asked of owners is asked of them. */
export function ownsEverything(facts: IndexedFacts, userId: string, nowMs: number): boolean {
  const mine = rightsOf(facts, { kind: 'user', id: userId }, nowMs).on(EVERYTHING);
  return Privilege.options.every((privilege) => mine.has(privilege));
}

/** A person's own, and those of their groups. */
export const grantsOf = (facts: IndexedFacts, userId: string) =>
  facts.facts.grants.filter(
    ({ principal: { kind, id } }) =>
      (kind === 'user' && id === userId) || (kind === 'group' && facts.groups.get(id)?.members.includes(userId) === true),
  );

export function addGrant(thing: Thing, grant: Omit<Grant, 'byUser' | 'createdAtMs'>, asker: Asker): Decision<GrantId> {
  const { rights, by, nowMs } = asker;
  if (!rights.facts.roles.has(grant.role))
    throw new Problem('not-found', `there is no role ${grant.role}`, { field: 'role', suggestion: 'drover role list' });
  if (!mayGrant(rights, grant.role, thing)) throw mayNotGrant(grant.role, grant.scope);
  if (grant.untilMs !== null && grant.untilMs <= nowMs)
    throw new Problem('bad-request', 'until: that moment has passed', { field: 'until' });
  const same = rights.facts.facts.grants.find(
    (other) =>
      other.principal.kind === grant.principal.kind &&
      other.principal.id === grant.principal.id &&
      other.role === grant.role &&
      other.scope === grant.scope,
  );
  if (same)
    throw new Problem('name-taken', `this was granted before: ${same.id}`, { suggestion: 'take that one back to grant it otherwise' });
  return decided(asker, [{ do: 'add-grant', grant: { ...grant, byUser: by, createdAtMs: nowMs } }], [['grant', grant.id, false]], grant.id);
}

export function removeGrant(grant: Grant, thing: Thing, ownersBeside: number, asker: Asker): Decision<GrantId> {
  if (!mayGrant(asker.rights, grant.role, thing)) throw mayNotGrant(grant.role, grant.scope);
  if (isOwners(grant) && ownersBeside === 0) throw lastOwner();
  return decided(asker, [{ do: 'remove-grant', id: grant.id }], [['grant', grant.id, true]], grant.id);
}

export function addGroup(group: Group, asker: Asker): Decision<GroupId> {
  return decided(asker, [{ do: 'add-group', group }], [['group', group.id, false]], group.id);
}

/** With all that was granted to it: its members may do no more what they could do by it. */
export function removeGroup(group: Group, grants: readonly Grant[], ownersBeside: number, thingAt: (scope: string) => Thing, asker: Asker) {
  for (const { role, scope } of grants) if (!mayGrant(asker.rights, role, thingAt(scope))) throw mayNotGrant(role, scope);
  if (grants.some(isOwners) && ownersBeside === 0) throw lastOwner();
  const writes: RightsWrite[] = [{ do: 'remove-group', id: group.id }];
  return decided(asker, writes, [['group', group.id, true], ...grants.map(({ id }): Told => ['grant', id, true])], group.id);
}

/** Whoever comes into a group gets what it was granted: so this takes what granting it would. */
export function setMember(
  group: Group,
  userId: UserId,
  isMember: boolean,
  { grants, ownersBeside, thingAt }: { grants: readonly Grant[]; ownersBeside: number; thingAt: (scope: string) => Thing },
  asker: Asker,
): Decision<GroupId> {
  for (const { role, scope } of grants) if (!mayGrant(asker.rights, role, thingAt(scope))) throw mayNotGrant(role, scope);
  if (group.directory !== null)
    throw new Problem('wrong-state', `group ${group.name} is kept by its directory ${group.directory}`, { suggestion: 'change it there' });
  if (!isMember && grants.some(isOwners) && ownersBeside === 0) throw lastOwner();
  const write: RightsWrite = { do: isMember ? 'add-member' : 'remove-member', groupId: group.id, userId };
  return decided(asker, [write], [['group', group.id, false]], group.id);
}

/** A role that is changed changes what all have to whom it was granted: so this takes to own everything that it will have, and had. */
export function setRole(role: CustomRole, asker: Asker): Decision<string> {
  const before = asker.rights.facts.roles.get(role.name);
  const concerned = new Set([...role.privileges, ...(before?.privileges ?? [])]);
  const lacking = [...concerned].filter((privilege) => !has(asker.rights, privilege, EVERYTHING));
  if (lacking.length > 0)
    throw new Problem('not-allowed', `a role with ${lacking.join(', ')} takes somebody who has that on everything`, {
      field: 'privileges',
    });
  return decided(asker, [{ do: 'set-role', role }], [['role', role.name, false]], role.name);
}

export function removeRole(name: string, asker: Asker): Decision<string> {
  const users = asker.rights.facts.facts.grants.filter(({ role }) => role === name).length;
  if (users > 0)
    throw new Problem('wrong-state', `the role ${name} is granted ${users} times`, { suggestion: 'take those grants back first' });
  return decided(asker, [{ do: 'remove-role', name }], [['role', name, true]], name);
}

export function addPool(pool: Pool, asker: Asker): Decision<string> {
  return decided(asker, [{ do: 'add-pool', pool }], [['pool', pool.path, false]], pool.path);
}

export function editPool(
  pool: Pool,
  change: { notes?: string | undefined; quota?: PoolQuota | undefined },
  asker: Asker,
): Decision<string> {
  const { path, notes, quota } = pool;
  const write: RightsWrite = { do: 'edit-pool', path, notes: change.notes ?? notes, quota: change.quota ?? quota };
  return decided(asker, [write], [['pool', path, false]], path);
}

export function removePool(pool: Pool, members: number, inside: number, asker: Asker): Decision<string> {
  if (members > 0) throw new Problem('wrong-state', `pool ${pool.path} holds ${members} things`, { suggestion: 'take them out first' });
  if (inside > 0) throw new Problem('wrong-state', `pool ${pool.path} has pools inside of it`, { suggestion: 'remove those first' });
  return decided(asker, [{ do: 'remove-pool', path: pool.path }], [['pool', pool.path, true]], pool.path);
}

/** `size`: of a guest, with the rooms that it comes into. */
export function putIntoPool(
  { member, path, from }: { readonly member: PoolMember; readonly path: string | null; readonly from: string | null },
  { size, rooms }: { readonly size: Size | null; readonly rooms: readonly PoolRoom[] },
  asker: Asker,
): Decision<PoolMember> {
  for (const pool of [path, from])
    if (pool !== null && !asker.rights.may('Pool.Allocate', { path: `/pool/${pool}`, memberOf: [] }))
      throw new Problem('not-allowed', `this needs Pool.Allocate on pool ${pool}, which you do not have`, { field: 'pool' });
  const told: Told[] = [[member.kind, member.id, false], ...(path === null ? [] : [['pool', path, false] as const])];
  // What is around both pools holds it already.
  const entered = rooms.filter(({ path: its }) => from !== its && !from?.startsWith(`${its}/`));
  const taken = size === null ? [] : takeRoom(entered, null, size);
  return decided(asker, [...taken, { do: 'set-pool', member, path }], told, member);
}

type Told = readonly [kind: EventKind, id: string, gone: boolean];

function decided<A>({ by, nowMs }: Asker, rights: readonly RightsWrite[], told: readonly Told[], answer: A): Decision<A> {
  const change: Change = { by, atMs: nowMs, rights, events: told.map(([kind, id, gone]) => ({ kind, id, gone })) };
  return { change, answer };
}

const isOwners = ({ role, scope, inherit, untilMs }: Grant): boolean => role === 'owner' && scope === '/' && inherit && untilMs === null;

export const lastOwner = (): Problem =>
  new Problem('wrong-state', 'nobody would own everything any more', { suggestion: 'make somebody else an owner first' });

const mayNotGrant = (role: string, scope: string): Problem =>
  new Problem('not-allowed', `to grant ${role} on ${scope}, or take it back, needs Permissions.Modify there and all that ${role} may do`, {
    suggestion: 'ask somebody who has it: drover access explain tells who',
  });
