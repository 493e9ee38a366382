import { explain, explainThings } from '@drover/shared/access/explain';
import type { Reason, ThingExplanation } from '@drover/shared/access/explanation';
import type { Grant } from '@drover/shared/access/facts';
import type { IndexedFacts } from '@drover/shared/access/index-facts';
import type { Who } from '@drover/shared/access/standing';
import type { LiveMapExplanation, LiveThingExplanation } from '@drover/shared/api/access';
import { grantsOf } from '../core/access.ts';
import type { Rights } from '../core/rights-of.ts';
import type { Store } from '../db/store.ts';
import { type Scope, scopeKeptSeen, scopeSeen } from './scope-names.ts';

/** Whose rights are told. */
export type Asked = Who & { readonly name: string };
type Sources = Pick<Store, 'rights'>;

const TOPS = ['/', '/vms', '/nodes', '/storage', '/network', '/pool', '/access'];

/** What they may do with the thing at a path, as far as who asks may know of it. */
export async function explainedThing({ name, ...who }: Asked, typed: string, asker: Rights, store: Sources): Promise<LiveThingExplanation> {
  const { thing } = await scopeSeen(typed, 'path', asker, store);
  const found = explain(asker.facts, who, thing, asker.nowMs);
  const grants = reasonsOf(found).flatMap(({ grant, by }) => [grant, ...by]);
  const vias = new Set(reasonsOf(found).map(({ via }) => via));
  const seen = await seenAmong([thing.path, ...thing.memberOf, ...grants.map(({ scope }) => scope)], asker, store);
  return {
    ...found,
    who: { ...found.who, name },
    // What it is in is told to who sees that, or whom a grant comes by it.
    memberOf: found.memberOf.filter((path) => seen.has(path) || vias.has(path)),
    names: { ...namesOf(seen), ...namesOfPrincipals(asker.facts, grants) },
  };
}

/** What they may do on everything, in each pool, and wherever a grant of theirs names a path: as far as who asks may know of it. */
export async function explainedMap({ name, ...who }: Asked, asker: Rights, store: Sources): Promise<LiveMapExplanation> {
  const { facts } = asker;
  const paths = [...TOPS, ...facts.pools, ...grantsTouching(facts, who).map(({ scope }) => scope)];
  const seen = await seenAmong(paths, asker, store);
  const things = [...seen.values()].map(({ thing }) => thing);
  const within = await seenAmong(
    things.flatMap(({ memberOf }) => memberOf),
    asker,
    store,
  );
  const found = explainThings(facts, who, things, asker.nowMs);
  return {
    ...found,
    who: { ...found.who, name },
    paths: found.paths.map((one) => ({ ...one, memberOf: one.memberOf.filter((path) => within.has(path)) })),
    names: { ...namesOf(within), ...namesOf(seen) },
  };
}

/** Their own, those of their groups, and for a token those of its owner. */
function grantsTouching(facts: IndexedFacts, { kind, id }: Who): readonly Grant[] {
  if (kind === 'user') return grantsOf(facts, id);
  const own = facts.facts.grants.filter(({ principal }) => principal.kind === kind && principal.id === id);
  const owner = kind === 'token' ? facts.tokens.get(id)?.owner : undefined;
  return owner === undefined ? own : [...own, ...grantsOf(facts, owner)];
}

const reasonsOf = ({ privileges, withheld, cancelledBy }: ThingExplanation): Reason[] => [
  ...[...privileges, ...withheld].flatMap(({ because }) => because),
  ...cancelledBy,
];

async function seenAmong(paths: readonly string[], asker: Rights, store: Sources): Promise<ReadonlyMap<string, Scope>> {
  const found = await Promise.all([...new Set(paths)].map((path) => scopeKeptSeen(path, asker, store)));
  return new Map(found.flatMap((scope) => (scope === null ? [] : [[scope.path, scope] as const])));
}

const namesOf = (scopes: ReadonlyMap<string, Scope>): Record<string, string> =>
  Object.fromEntries([...scopes].flatMap(([path, { name }]) => (name === null ? [] : [[path, name]])));

function namesOfPrincipals(facts: IndexedFacts, grants: readonly Grant[]): Record<string, string> {
  return Object.fromEntries(
    grants.flatMap(({ principal: { kind, id } }) => {
      const name = kind === 'token' ? tokenName(facts, id) : (kind === 'user' ? facts.users : facts.groups).get(id)?.name;
      return name === undefined ? [] : [[`${kind}:${id}`, name]];
    }),
  );
}

function tokenName(facts: IndexedFacts, id: string): string | undefined {
  const token = facts.tokens.get(id);
  return token && `${facts.users.get(token.owner)?.name ?? token.owner}!${token.name}`;
}
