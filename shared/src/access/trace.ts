import type { Grant } from './facts.ts';
import type { IndexedFacts, Source } from './index-facts.ts';
import { containerKindOf, levelsOf, type Thing } from './scope.ts';
import { isPast } from './standing.ts';

export type Fate =
  | { readonly is: 'gives' }
  | { readonly is: 'expired' }
  | { readonly is: 'not-inherited' }
  | { readonly is: 'replaced'; readonly by: readonly Grant[] }
  | { readonly is: 'cancelled'; readonly by: readonly Grant[] };

/** A grant that touches a thing, by which path, and what became of it there. */
export interface Traced {
  readonly grant: Grant;
  readonly via: string;
  fate: Fate;
}

/** The walk once more, keeping what it drops: what is left with "gives" is what the decision holds, or what cancels it. */
export function trace(indexed: IndexedFacts, source: Source, thing: Thing, nowMs: number): readonly Traced[] {
  const direct = traceWalk(source, thing.path, levelsOf(thing.path), thing.path, nowMs);
  const contained = thing.memberOf.flatMap((container) => traceContainer(indexed, source, container, nowMs));
  const cancels = ({ grant, fate }: Traced) => fate.is === 'gives' && indexed.roles.get(grant.role)?.cancels === true;
  const cancelling = [direct.filter(cancels), contained.filter(cancels)].find((some) => some.length > 0) ?? [];
  const all = [...direct, ...contained];
  if (cancelling.length > 0)
    for (const one of all)
      if (one.fate.is === 'gives' && !cancelling.includes(one)) one.fate = { is: 'cancelled', by: cancelling.map(({ grant }) => grant) };
  return all;
}

function traceContainer(indexed: IndexedFacts, source: Source, container: string, nowMs: number): Traced[] {
  const kind = containerKindOf(container);
  if (kind === 'pool') return indexed.pools.has(container) ? traceWalk(source, container, levelsOf(container), container, nowMs) : [];
  if (kind === 'tag') return traceWalk(source, container, [container], container, nowMs);
  // What is on a host is below it, so that only what is inherited counts.
  if (kind === 'host') return traceWalk(source, container, [container], null, nowMs);
  return [];
}

function traceWalk(source: Source, via: string, levels: readonly string[], target: string | null, nowMs: number): Traced[] {
  const all: Traced[] = [];
  let inForce: Traced[] = [];
  for (const level of levels) {
    const begin = (grant: Grant): Traced => ({ grant, via, fate: firstFate(grant, level === target, nowMs) });
    const own = (source.own.get(level) ?? []).map(begin);
    const theirs = (source.ofGroups().get(level) ?? []).map(begin);
    all.push(...own, ...theirs);
    const ownLeft = own.filter(({ fate }) => fate.is === 'gives');
    const theirsLeft = theirs.filter(({ fate }) => fate.is === 'gives');
    const taken = ownLeft.length > 0 ? ownLeft : theirsLeft;
    if (taken.length === 0) continue;
    const dropped = taken === ownLeft ? [...inForce, ...theirsLeft] : inForce;
    for (const one of dropped) one.fate = { is: 'replaced', by: taken.map(({ grant }) => grant) };
    inForce = taken;
  }
  return all;
}

function firstFate(grant: Grant, isTarget: boolean, nowMs: number): Fate {
  if (isPast(grant.untilMs, nowMs)) return { is: 'expired' };
  return isTarget || grant.inherit ? { is: 'gives' } : { is: 'not-inherited' };
}
