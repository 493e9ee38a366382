import type { AccessFacts, ContainerFacts, Grant, GroupFacts, Principal, RoleFacts, TokenFacts, UserFacts } from './facts.ts';
import { containerKindOf, type Thing } from './scope.ts';

/** The grants of one principal, by scope. */
export type Entries = ReadonlyMap<string, readonly Grant[]>;

/** Whose grants are walked together: one's own, and those of one's groups, which one's own replace. */
export interface Source {
  readonly own: Entries;
  ofGroups(): Entries;
}

export interface IndexedRole {
  readonly privileges: ReadonlySet<string>;
  readonly cancels: boolean;
}

/** Facts, sorted once so that many questions are quick. */
export interface IndexedFacts {
  readonly facts: AccessFacts;
  readonly users: ReadonlyMap<string, UserFacts>;
  readonly groups: ReadonlyMap<string, GroupFacts>;
  readonly tokens: ReadonlyMap<string, TokenFacts>;
  readonly roles: ReadonlyMap<string, IndexedRole>;
  /** By user, group and token. */
  readonly sources: { readonly [K in Principal['kind']]: ReadonlyMap<string, Source> };
  readonly pools: ReadonlySet<string>;
  /** By the path of a pool, tag or host: the paths of what is in it. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  /** By the path of a thing: what it is in. */
  readonly containersOf: ReadonlyMap<string, readonly string[]>;
}

const NO_ENTRIES: Entries = new Map();
export const NO_GRANTS: readonly Grant[] = [];

export function indexFacts(facts: AccessFacts): IndexedFacts {
  const entries = entriesOf(facts.grants);
  const alone = (id: string, kind: 'group' | 'token'): Source => ({
    own: entries[kind].get(id) ?? NO_ENTRIES,
    ofGroups: () => NO_ENTRIES,
  });
  const groupsOf = inverted(facts.groups.map(({ id, members }) => [id, members]));
  const ofUser = (id: string): Source => ({
    own: entries.user.get(id) ?? NO_ENTRIES,
    ofGroups: together((groupsOf.get(id) ?? []).flatMap((group) => entries.group.get(group) ?? [])),
  });
  return {
    facts,
    users: byId(facts.users),
    groups: byId(facts.groups),
    tokens: byId(facts.tokens),
    roles: new Map(facts.roles.map((role) => [role.name, indexedRole(role)])),
    sources: {
      user: new Map(facts.users.map(({ id }) => [id, ofUser(id)])),
      group: new Map(facts.groups.map(({ id }) => [id, alone(id, 'group')])),
      token: new Map(facts.tokens.map(({ id }) => [id, alone(id, 'token')])),
    },
    pools: new Set(facts.containers.flatMap(({ path }) => (containerKindOf(path) === 'pool' ? [path] : []))),
    members: new Map(facts.containers.map(({ path, members }) => [path, members])),
    containersOf: inverted(facts.containers.map(({ path, members }: ContainerFacts) => [path, members])),
  };
}

/** The thing at a path, in what the facts say that it is in. */
export const thingAt = (indexed: IndexedFacts, path: string): Thing => ({ path, memberOf: indexed.containersOf.get(path) ?? [] });

function indexedRole(role: RoleFacts): IndexedRole {
  return { privileges: new Set(role.cancels ? [] : role.privileges), cancels: role.cancels };
}

function entriesOf(grants: readonly Grant[]): { [K in Principal['kind']]: Map<string, Map<string, Grant[]>> } {
  const entries = { user: new Map(), group: new Map(), token: new Map() } satisfies Record<string, Map<string, Map<string, Grant[]>>>;
  for (const grant of grants) {
    const byScope: Map<string, Grant[]> = entries[grant.principal.kind].get(grant.principal.id) ?? new Map();
    entries[grant.principal.kind].set(grant.principal.id, byScope);
    const there = byScope.get(grant.scope);
    if (there) there.push(grant);
    else byScope.set(grant.scope, [grant]);
  }
  return entries;
}

/** Made when first asked for: between two changes most people are not asked about. */
function together(groups: readonly Entries[]): () => Entries {
  let made: Entries | undefined = groups.length < 2 ? (groups[0] ?? NO_ENTRIES) : undefined;
  return () => {
    made ??= allOf(groups);
    return made;
  };
}

function allOf(groups: readonly Entries[]): Entries {
  const all = new Map<string, readonly Grant[]>();
  for (const entries of groups) for (const [scope, grants] of entries) all.set(scope, [...(all.get(scope) ?? []), ...grants]);
  return all;
}

const byId = <T extends { readonly id: string }>(rows: readonly T[]): Map<string, T> => new Map(rows.map((row) => [row.id, row]));

/** From who holds what to what is held by whom, each once. */
function inverted(pairs: readonly (readonly [holder: string, held: readonly string[]])[]): Map<string, string[]> {
  const holders = new Map<string, string[]>();
  for (const [holder, held] of pairs)
    for (const one of new Set(held)) {
      const there = holders.get(one);
      if (there) there.push(holder);
      else holders.set(one, [holder]);
    }
  return holders;
}
