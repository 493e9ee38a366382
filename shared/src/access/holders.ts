import { privilegesAt } from './decide.ts';
import type { Principal } from './facts.ts';
import type { IndexedFacts } from './index-facts.ts';
import type { Thing } from './scope.ts';

export interface Holder {
  readonly who: Principal;
  readonly name: string;
  readonly privileges: readonly string[];
}

/**
 * The question turned around: who may do anything at all with a thing? People, and tokens with grants of their own; a token that has all
 * of its owner is its owner. Groups are told by their members.
 */
export function holdersOf(indexed: IndexedFacts, thing: Thing, nowMs: number): readonly Holder[] {
  const { users, tokens } = indexed.facts;
  const asked = [
    ...users.map(({ id, name }) => ({ who: { kind: 'user', id } as const, name })),
    ...tokens
      .filter(({ ownGrantsOnly }) => ownGrantsOnly)
      .map(({ id, name, owner }) => ({
        who: { kind: 'token', id } as const,
        name: `${indexed.users.get(owner)?.name ?? owner}!${name}`,
      })),
  ];
  return asked
    .map(({ who, name }) => ({ who, name, privileges: [...privilegesAt(indexed, who, thing, nowMs).keys()].sort() }))
    .filter(({ privileges }) => privileges.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
