import { unreachable } from '../lib/assert.ts';
import type { Grant, Principal } from './facts.ts';
import type { IndexedFacts } from './index-facts.ts';
import type { Refusal } from './standing.ts';
import type { Traced } from './trace.ts';

/** "user alice", by name where there is one. */
export function principalWords(indexed: IndexedFacts, { kind, id }: Principal): string {
  const rows = { user: indexed.users, group: indexed.groups, token: indexed.tokens } as const;
  return `${kind} ${rows[kind].get(id)?.name ?? id}`;
}

const grantWords = (indexed: IndexedFacts, grant: Grant): string =>
  `the role ${grant.role} for ${principalWords(indexed, grant.principal)} on ${grant.scope} (${grant.id})`;

/** What one grant does for a privilege on a thing, in a sentence. */
export function reasonSentence(indexed: IndexedFacts, { grant, via, fate }: Traced, privilege: string | null, path: string): string {
  const subject = grantWords(indexed, grant);
  const would = `${subject} would give ${privilege ?? 'it'}, but`;
  const where = via === path ? '' : `, as ${path} is in ${via}`;
  switch (fate.is) {
    case 'gives':
      return privilege === null ? `${subject} takes everything away${where}.` : `${subject} gives ${privilege}${where}.`;
    case 'expired':
      return `${would} it ended at ${new Date(grant.untilMs ?? 0).toISOString()}.`;
    case 'not-inherited':
      return `${would} it counts on ${grant.scope} alone: it is not inherited.`;
    case 'replaced':
      return `${would} it is replaced by ${listed(fate.by.map((by) => grantWords(indexed, by)))}, ${whyReplaced(grant, fate.by)}.`;
    case 'cancelled':
      return `${would} ${listed(fate.by.map((by) => grantWords(indexed, by)))} takes everything away.`;
    default:
      return unreachable(fate);
  }
}

const whyReplaced = (grant: Grant, by: readonly Grant[]): string =>
  by[0]?.scope === grant.scope ? 'which is their own and not that of a group' : 'which is deeper';

/** Why somebody has nothing anywhere. */
export function refusalSentence(name: string, refusal: Refusal): string {
  switch (refusal) {
    case 'unknown':
      return `Nobody knows ${name}.`;
    case 'disabled':
      return `${name} is disabled, and has nothing until that changes.`;
    case 'expired':
      return `${name} has expired, and has nothing any more.`;
    case 'owner-unknown':
      return `Nobody knows the owner of ${name}, so it has nothing.`;
    case 'owner-disabled':
      return `The owner of ${name} is disabled, so it has nothing until that changes.`;
    case 'owner-expired':
      return `The owner of ${name} has expired, so it has nothing any more.`;
    default:
      return unreachable(refusal);
  }
}

export function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
