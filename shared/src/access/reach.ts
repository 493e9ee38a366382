import { assert } from '../lib/assert.ts';
import { givenBy } from './decide.ts';
import type { Grant } from './facts.ts';
import type { IndexedFacts, Source } from './index-facts.ts';
import { anyBelow, containerKindOf, isDirectlyBelow, type Thing } from './scope.ts';
import { standingOf, type Who } from './standing.ts';
import { inForceAt, inForceBy } from './walk.ts';

/** What some grants say of one privilege: they give it, say nothing, or cancel everything. */
export type Verdict = 'gives' | 'silent' | 'denies';

/**
 * On which things directly below a path somebody has a privilege, as data that can be made a filter: a thing counts if
 * its verdict (`exact` by its path, else `base`) does not deny and it is in none of `denies`, and it is given by its
 * verdict or is in one of `gives`.
 */
export interface ReachPart {
  readonly base: Verdict;
  readonly exact: ReadonlyMap<string, Verdict>;
  /** Paths of pools, tags and hosts. Pools are listed whole: each that there is, nested ones too. */
  readonly gives: ReadonlySet<string>;
  readonly denies: ReadonlySet<string>;
}

/** A thing counts if every part says so: a token with own grants only has its own and its owner's. */
export interface Reach {
  readonly below: string;
  readonly parts: readonly [ReachPart, ...ReachPart[]];
}

const NOWHERE: ReachPart = { base: 'silent', exact: new Map(), gives: new Set(), denies: new Set() };

/** `below` is "/vms", "/storage", "/network" or "/nodes". */
export function reachOf(indexed: IndexedFacts, who: Who, privilege: string, below: string, nowMs: number): Reach {
  const standing = standingOf(indexed, who, nowMs);
  if (standing.is === 'refused') return { below, parts: [NOWHERE] };
  const [first, ...rest] = standing.sources;
  const part = (source: Source) => partOf(indexed, source, privilege, below, nowMs);
  return { below, parts: [part(first), ...rest.map(part)] };
}

export function isWithin(reach: Reach, thing: Thing): boolean {
  assert(isDirectlyBelow(thing.path, reach.below), `${thing.path} is not directly below ${reach.below}`);
  return reach.parts.every((part) => isWithinPart(part, thing));
}

function isWithinPart(part: ReachPart, thing: Thing): boolean {
  const verdict = part.exact.get(thing.path) ?? part.base;
  if (verdict === 'denies' || thing.memberOf.some((container) => part.denies.has(container))) return false;
  return verdict === 'gives' || thing.memberOf.some((container) => part.gives.has(container));
}

function partOf(indexed: IndexedFacts, source: Source, privilege: string, below: string, nowMs: number): ReachPart {
  const verdictOf = (grants: readonly Grant[]): Verdict => {
    if (grants.some(({ role }) => indexed.roles.get(role)?.cancels === true)) return 'denies';
    return givenBy(indexed, grants, privilege) ? 'gives' : 'silent';
  };
  const named = new Set([...source.own.keys(), ...source.ofGroups().keys()]);
  const base = verdictOf(inForceAt(source, anyBelow(below), nowMs));
  const exact = new Map<string, Verdict>();
  for (const path of named) {
    if (!isDirectlyBelow(path, below)) continue;
    const verdict = verdictOf(inForceAt(source, path, nowMs));
    if (verdict !== base) exact.set(path, verdict);
  }
  const gives = new Set<string>();
  const denies = new Set<string>();
  const containers = [...indexed.pools, ...[...named].filter((path) => containerKindOf(path) !== 'pool')];
  for (const container of containers) {
    const verdict = verdictOf(inForceBy(indexed, source, container, nowMs));
    if (verdict === 'gives') gives.add(container);
    if (verdict === 'denies') denies.add(container);
  }
  return { base, exact, gives, denies };
}
