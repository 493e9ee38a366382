import type { Bundle } from './bundle.ts';
import { privilegesAt } from './decide.ts';
import { listed } from './explain-words.ts';
import type { Grant, TokenFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { type IndexedFacts, thingAt } from './index-facts.ts';
import { isAtOrBelow } from './scope.ts';
import { isPast, standingOf } from './standing.ts';

/** Tokens that can do nothing, and grants of theirs that their owner cannot back. */
export function lintTokens(bundle: Bundle, indexed: IndexedFacts, nowMs: number): Finding[] {
  return indexed.facts.tokens.flatMap((token, index): Finding[] => {
    const where = `tokens.${index}`;
    if (!indexed.users.has(token.owner)) {
      const sentence = `There is no user "${token.owner}" to own the token ${token.name}.`;
      return [{ code: 'unknown-owner', severity: 'error', where, sentence }];
    }
    if (!token.ownGrantsOnly) return [];
    const grants = [...(indexed.sources.token.get(token.id)?.own.values() ?? [])].flat();
    if (grants.length === 0) {
      const sentence = `The token ${token.name} has own grants only, and there are none: it can do nothing.`;
      return [{ code: 'token-without-grants', severity: 'warning', where, sentence }];
    }
    if (standingOf(indexed, { kind: 'token', id: token.id }, nowMs).is === 'refused') return [];
    return grants.flatMap((grant) => (isPast(grant.untilMs, nowMs) ? [] : exceeding(bundle, indexed, token, grant, nowMs)));
  });
}

/** What the owner has neither on the scope nor on anything known that the grant reaches. */
function exceeding(bundle: Bundle, indexed: IndexedFacts, token: TokenFacts, grant: Grant, nowMs: number): Finding[] {
  const backed = new Set(
    placesOf(bundle, indexed, grant.scope).flatMap((path) => [
      ...privilegesAt(indexed, { kind: 'user', id: token.owner }, thingAt(indexed, path), nowMs).keys(),
    ]),
  );
  const lacking = [...(indexed.roles.get(grant.role)?.privileges ?? [])].filter((privilege) => !backed.has(privilege));
  if (lacking.length === 0) return [];
  const sentence = `The token ${token.name} is granted ${shortened(lacking)} on ${grant.scope}, which its owner does not have there.`;
  return [{ code: 'token-exceeds-owner', severity: 'warning', where: grant.id, sentence }];
}

function placesOf(bundle: Bundle, { facts }: IndexedFacts, scope: string): readonly string[] {
  const inContainers = facts.containers.flatMap(({ path, members }) => (isAtOrBelow(path, scope) ? members : []));
  const known = [...(bundle.things ?? []), ...facts.containers.flatMap(({ path, members }) => [path, ...members])];
  return [...new Set([scope, ...inContainers, ...known.filter((path) => isAtOrBelow(path, scope))])];
}

const SHOWN_MAX = 3;
const shortened = (names: readonly string[]): string =>
  names.length <= SHOWN_MAX ? listed(names) : `${names.slice(0, SHOWN_MAX).join(', ')} and ${names.length - SHOWN_MAX} more`;
