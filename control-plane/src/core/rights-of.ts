import { may, privilegesAt } from '@drover/shared/access/decide';
import type { IndexedFacts } from '@drover/shared/access/index-facts';
import type { Privilege } from '@drover/shared/access/privilege';
import { type Reach, reachOf } from '@drover/shared/access/reach';
import type { Thing } from '@drover/shared/access/scope';
import type { Who } from '@drover/shared/access/standing';
import { ACCESS, SEES, type ThingKind, thingOf, type Whereabouts } from './things.ts';

/** Below which path the things of a kind are, for reaches. */
export type Below = '/vms' | '/nodes' | '/storage' | '/network';
export const BELOW: { readonly [K in Exclude<ThingKind, 'pool'>]: Below } = {
  guest: '/vms',
  host: '/nodes',
  storage: '/storage',
  image: '/storage',
  network: '/network',
};

/** What somebody may do at one moment. Every question about a right comes through here, whoever asks it. */
export interface Rights {
  readonly who: Who;
  readonly facts: IndexedFacts;
  readonly nowMs: number;
  may(privilege: Privilege, thing: Thing): boolean;
  /** All that they may on a thing. */
  on(thing: Thing): ReadonlySet<string>;
  /** May they know that it is there? */
  sees(kind: ThingKind, id: string, where: Whereabouts): boolean;
  /** On which things of a kind they have it, for lists; null: on every one. */
  within(privilege: Privilege, below: Below): Reach | null;
  /** Do they have it on any one thing of a kind, or on anything that things can be in? */
  mayAnywhere(privilege: Privilege, below: Below): boolean;
  /** People, groups, roles and grants. */
  readonly seesAccess: boolean;
}

export function rightsOf(facts: IndexedFacts, who: Who, nowMs: number): Rights {
  const reach = (privilege: Privilege, below: Below): Reach => reachOf(facts, who, privilege, below, nowMs);
  return {
    who,
    facts,
    nowMs,
    may: (privilege, thing) => may(facts, who, privilege, inPools(facts, thing), nowMs),
    on: (thing) => new Set(privilegesAt(facts, who, inPools(facts, thing), nowMs).keys()),
    sees: (kind, id, where) => may(facts, who, SEES[kind], thingOf(kind, id, where), nowMs),
    within(privilege, below) {
      const found = reach(privilege, below);
      return isWhole(found) ? null : found;
    },
    mayAnywhere: (privilege, below) => reach(privilege, below).parts.every(givesAnything),
    get seesAccess() {
      return may(facts, who, 'Sys.Audit', ACCESS, nowMs);
    },
  };
}

/** Storages and networks are known to the facts by their pools; of guests each thing says its own. */
function inPools(facts: IndexedFacts, thing: Thing): Thing {
  const pools = facts.containersOf.get(thing.path)?.filter((path) => !thing.memberOf.includes(path)) ?? [];
  return pools.length === 0 ? thing : { ...thing, memberOf: [...thing.memberOf, ...pools] };
}

const isWhole = ({ parts }: Reach): boolean =>
  parts.every(
    ({ base, exact, denies }) => base === 'gives' && denies.size === 0 && [...exact.values()].every((verdict) => verdict === 'gives'),
  );
const givesAnything = ({ base, exact, gives }: Reach['parts'][0]): boolean =>
  base === 'gives' || gives.size > 0 || [...exact.values()].includes('gives');
