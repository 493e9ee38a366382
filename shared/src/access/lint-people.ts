import type { Bundle } from './bundle.ts';
import { may, privilegesAt } from './decide.ts';
import { listed } from './explain-words.ts';
import type { Finding } from './finding.ts';
import type { IndexedFacts } from './index-facts.ts';

/** Users, groups and pools: who is missing, who is too weakly protected. */
export function lintPeople(bundle: Bundle, indexed: IndexedFacts, nowMs: number): Finding[] {
  return [...ownersIn(bundle, indexed, nowMs), ...groupsIn(bundle, indexed), ...membersIn(bundle), ...nobodyIn(indexed, nowMs)];
}

/** Whoever has everything that an owner has, on some scope. */
function ownersIn(bundle: Bundle, indexed: IndexedFacts, nowMs: number): Finding[] {
  const everything = [...(indexed.roles.get('owner')?.privileges ?? [])];
  const ownedBy = (id: string) => {
    const source = indexed.sources.user.get(id);
    if (source === undefined || everything.length === 0) return [];
    const grants = [...source.own.values(), ...source.ofGroups().values()].flat();
    // Most people have no role that could make them one: they are told from the rest without asking at each scope.
    const roles = new Set(grants.map(({ role }) => role));
    if (!everything.every((one) => [...roles].some((role) => indexed.roles.get(role)?.privileges.has(one)))) return [];
    const scopes = new Set(grants.map(({ scope }) => scope));
    return [...scopes].filter((path) => {
      const privileges = privilegesAt(indexed, { kind: 'user', id }, { path, memberOf: [] }, nowMs);
      return everything.every((privilege) => privileges.has(privilege));
    });
  };
  return (bundle.users ?? []).flatMap(({ name, secondFactor }, index): Finding[] => {
    const scopes = secondFactor === true ? [] : ownedBy(name);
    if (scopes.length === 0) return [];
    const sentence = `${name} owns ${listed(scopes)} and ${secondFactor === false ? 'has no' : 'is not said to have a'} second factor.`;
    const severity = secondFactor === false ? 'error' : 'warning';
    return [{ code: 'owner-without-second-factor', severity, where: `users.${index}`, sentence }];
  });
}

function groupsIn(bundle: Bundle, indexed: IndexedFacts): Finding[] {
  return (bundle.groups ?? []).flatMap(({ name, members = [] }, index): Finding[] => {
    const where = `groups.${index}`;
    if (members.length === 0) return [{ code: 'empty-group', severity: 'warning', where, sentence: `The group ${name} has no members.` }];
    return members.flatMap((member, place): Finding[] =>
      indexed.users.has(member)
        ? []
        : [{ code: 'unknown-member', severity: 'warning', where: `${where}.members.${place}`, sentence: whoIsMissing(indexed, member) }],
    );
  });
}

const whoIsMissing = (indexed: IndexedFacts, member: string): string =>
  indexed.groups.has(member) ? `"${member}" is a group, and groups have users only: name its members.` : `There is no user "${member}".`;

/** What is in pools can be missing only where the bundle says what there is. */
function membersIn(bundle: Bundle): Finding[] {
  if (bundle.things === undefined) return [];
  const things = new Set(bundle.things);
  return (['pools', 'tags', 'hosts'] as const).flatMap((list) =>
    (bundle[list] ?? []).flatMap(({ members = [] }, index) =>
      members.flatMap((member, place): Finding[] =>
        things.has(member)
          ? []
          : [
              {
                code: 'unknown-member',
                severity: 'warning',
                where: `${list}.${index}.members.${place}`,
                sentence: `${member} is not among the things of the bundle.`,
              },
            ],
      ),
    ),
  );
}

/** Where nobody may change rights, nobody can let anybody in. */
function nobodyIn(indexed: IndexedFacts, nowMs: number): Finding[] {
  if (indexed.facts.grants.length === 0 || !indexed.roles.get('owner')?.privileges.has('Permissions.Modify')) return [];
  const canGive = indexed.facts.users.some(({ id }) =>
    may(indexed, { kind: 'user', id }, 'Permissions.Modify', { path: '/access', memberOf: [] }, nowMs),
  );
  if (canGive) return [];
  return [
    {
      code: 'nobody-gives-rights',
      severity: 'note',
      where: 'grants',
      sentence: 'Nobody has Permissions.Modify on /access: with these grants alone, nobody could change them.',
    },
  ];
}
