import { privilegesAt } from './decide.ts';
import { listed } from './explain-words.ts';
import type { Grant, TokenFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { type IndexedFacts, thingAt } from './index-facts.ts';
import { containerKindOf, isAtOrBelow } from './scope.ts';
import { isPast, standingOf, type Who } from './standing.ts';

/** Tokens that can do nothing, and grants of theirs that their owner cannot back. */
export function lintTokens(indexed: IndexedFacts, nowMs: number): Finding[] {
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
    return grants.flatMap((grant) => (isPast(grant.untilMs, nowMs) ? [] : exceeding(indexed, token, grant, nowMs)));
  });
}

/** What the owner has neither on the scope nor on anything known that the grant reaches. */
function exceeding(indexed: IndexedFacts, token: TokenFacts, grant: Grant, nowMs: number): Finding[] {
  const owner: Who = { kind: 'user', id: token.owner };
  const lacking = new Set(indexed.roles.get(grant.role)?.privileges);
  for (const path of placesOf(indexed, owner, grant.scope)) {
    if (lacking.size === 0) return [];
    for (const privilege of privilegesAt(indexed, owner, thingAt(indexed, path), nowMs).keys()) lacking.delete(privilege);
  }
  if (lacking.size === 0) return [];
  const sentence = `The token ${token.name} is granted ${shortened([...lacking])} on ${grant.scope}, which its owner does not have there.`;
  return [{ code: 'token-exceeds-owner', severity: 'warning', where: grant.id, sentence }];
}

/** Where the owner may have something within a scope: on it, where they were granted something, and on what is in pools there. */
function* placesOf(indexed: IndexedFacts, owner: Who, scope: string): Generator<string> {
  yield scope;
  const source = indexed.sources[owner.kind].get(owner.id);
  const named = source === undefined ? [] : [...source.own.keys(), ...source.ofGroups().keys()];
  for (const path of named) {
    if (isAtOrBelow(path, scope)) yield path;
    yield* (indexed.members.get(path) ?? []).filter((member) => isAtOrBelow(member, scope));
  }
  // The slash makes "/pool" itself one of them.
  if (containerKindOf(`${scope}/`) !== null)
    for (const [container, members] of indexed.members) if (isAtOrBelow(container, scope)) yield* members;
}

const SHOWN_MAX = 3;
const shortened = (names: readonly string[]): string =>
  names.length <= SHOWN_MAX ? listed(names) : `${names.slice(0, SHOWN_MAX).join(', ')} and ${names.length - SHOWN_MAX} more`;
