import type { Bundle } from './bundle.ts';
import type { Grant } from './facts.ts';
import type { Finding } from './finding.ts';
import type { IndexedFacts } from './index-facts.ts';
import { Privilege } from './privilege.ts';

/** The bundle's own roles: which nobody has, which give nothing, and which name what Drover does not know. */
export function lintRoles(bundle: Bundle, indexed: IndexedFacts, matching: readonly Grant[]): Finding[] {
  const granted = new Set(indexed.facts.grants.map(({ role }) => role));
  const had = new Set(matching.map(({ role }) => role));
  const known = new Set<string>(Privilege.options);
  return (bundle.roles ?? []).flatMap((role, index): Finding[] => {
    const where = `roles.${index}`;
    const found: Finding[] = [];
    if (!had.has(role.name)) {
      const why = granted.has(role.name) ? 'none of its grants matches anybody and anything' : 'no grant names it';
      found.push({ code: 'unused-role', severity: 'warning', where, sentence: `Nobody has the role ${role.name}: ${why}.` });
    }
    const privileges = role.privileges ?? [];
    if (privileges.length === 0 && indexed.roles.get(role.name)?.cancels !== true)
      found.push({
        code: 'empty-role',
        severity: 'warning',
        where,
        sentence: `The role ${role.name} gives nothing; to take everything away it must say "cancels": true.`,
      });
    // With a list of its own the bundle has been refused already if this is not in it.
    if (bundle.privileges === undefined)
      for (const [place, privilege] of privileges.entries())
        if (!known.has(privilege))
          found.push({
            code: 'own-privilege',
            severity: 'note',
            where: `${where}.privileges.${place}`,
            sentence: `Drover has no privilege "${privilege}"; it is taken for one of the bundle's own.`,
          });
    return found;
  });
}
