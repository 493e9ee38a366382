import type { Bundle } from './bundle.ts';
import type { Finding } from './finding.ts';
import type { IndexedFacts } from './index-facts.ts';
import { lintGrants } from './lint-grants.ts';
import { lintPeople } from './lint-people.ts';
import { lintRoles } from './lint-roles.ts';
import { lintTokens } from './lint-tokens.ts';

const ORDER: readonly Finding['severity'][] = ['error', 'warning', 'note'];

/** What is wrong with a bundle at a moment, the worst first, else in the order of the file. */
export function lint(bundle: Bundle, indexed: IndexedFacts, nowMs: number): Finding[] {
  const { findings, matching } = lintGrants(bundle, indexed, nowMs);
  const all = [...lintPeople(bundle, indexed, nowMs), ...lintTokens(indexed, nowMs), ...lintRoles(bundle, indexed, matching), ...findings];
  return ORDER.flatMap((severity) => all.filter((finding) => finding.severity === severity));
}
