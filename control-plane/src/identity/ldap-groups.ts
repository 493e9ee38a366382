export interface LdapGroup {
  readonly dn: string;
  readonly name: string;
  /** DNs of people and groups; in posixGroup the names that people sign in with. */
  readonly members: readonly string[];
}

/** The names of all groups that somebody is in. `nested`: also by way of other groups, each of which counts once, so that a loop ends. */
export function groupsOf(
  person: { readonly dn: string; readonly name: string },
  groups: readonly LdapGroup[],
  { nested }: { readonly nested: boolean },
): readonly string[] {
  const holding = new Map<string, LdapGroup[]>();
  for (const group of groups) {
    for (const member of group.members) {
      const key = normalDn(member);
      holding.set(key, [...(holding.get(key) ?? []), group]);
    }
  }
  const found = new Map<string, LdapGroup>();
  const left = [normalDn(person.dn), normalDn(person.name)];
  for (let member = left.pop(); member !== undefined; member = left.pop()) {
    for (const group of holding.get(member) ?? []) {
      const key = normalDn(group.dn);
      if (found.has(key)) continue;
      found.set(key, group);
      if (nested) left.push(key);
    }
  }
  return [...new Set([...found.values()].map(({ name }) => name))].sort();
}

/** Servers and people write the same DN with other gaps and capitals. */
const normalDn = (dn: string): string =>
  dn
    .toLowerCase()
    .replaceAll(/\s*([,=+])\s*/g, '$1')
    .trim();
