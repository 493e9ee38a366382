import type { Principal } from './facts.ts';
import type { IndexedFacts, Source } from './index-facts.ts';

/** Whose rights are asked about. A group's are those of a member who is nothing else. */
export type Who = Principal;

export type Refusal = 'unknown' | 'disabled' | 'expired' | 'owner-unknown' | 'owner-disabled' | 'owner-expired';

/** Whose grants count for somebody: a privilege must be in each of the sources. */
export type Standing =
  | { readonly is: 'good'; readonly sources: readonly [Source, ...Source[]] }
  | { readonly is: 'refused'; readonly because: Refusal };

export function standingOf(indexed: IndexedFacts, who: Who, nowMs: number): Standing {
  const source = indexed.sources[who.kind].get(who.id);
  if (source === undefined) return refused('unknown');
  if (who.kind === 'group') return { is: 'good', sources: [source] };
  if (who.kind === 'user') {
    const refusal = refusalOfUser(indexed, who.id, nowMs);
    return refusal === null ? { is: 'good', sources: [source] } : refused(refusal);
  }
  const token = indexed.tokens.get(who.id);
  if (token === undefined) return refused('unknown');
  if (isPast(token.expiresAtMs, nowMs)) return refused('expired');
  const refusal = refusalOfUser(indexed, token.owner, nowMs);
  if (refusal !== null) return refused(`owner-${refusal}`);
  const owners = indexed.sources.user.get(token.owner);
  if (owners === undefined) return refused('owner-unknown');
  return { is: 'good', sources: token.ownGrantsOnly ? [source, owners] : [owners] };
}

export const isPast = (momentMs: number | null, nowMs: number): boolean => momentMs !== null && momentMs <= nowMs;

function refusalOfUser(indexed: IndexedFacts, id: string, nowMs: number): 'unknown' | 'disabled' | 'expired' | null {
  const user = indexed.users.get(id);
  if (user === undefined) return 'unknown';
  if (!user.isEnabled) return 'disabled';
  return isPast(user.expiresAtMs, nowMs) ? 'expired' : null;
}

const refused = (because: Refusal): Standing => ({ is: 'refused', because });
