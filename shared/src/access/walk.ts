import { unreachable } from '../lib/assert.ts';
import type { Grant } from './facts.ts';
import { type IndexedFacts, NO_GRANTS, type Source } from './index-facts.ts';
import { containerKindOf, levelsOf } from './scope.ts';
import { isPast } from './standing.ts';

/**
 * The grants that count at a path: from "/" downwards, what stands deeper replaces what stood above, and at one level one's own
 * grants replace those of one's groups. A grant above the path itself counts only if it is inherited.
 */
export function inForceAt(source: Source, path: string, nowMs: number): readonly Grant[] {
  let inForce = NO_GRANTS;
  for (const level of levelsOf(path)) {
    const here = atLevel(source, level, level === path, nowMs);
    if (here.length > 0) inForce = here;
  }
  return inForce;
}

/**
 * The grants that reach the things in a pool, with a tag, on a host. A pool has also what it inherits from above. Tags and hosts
 * have only their own: every guest is on some host, and what is granted at "/" must stay replaceable on one guest.
 */
export function inForceBy(indexed: IndexedFacts, source: Source, container: string, nowMs: number): readonly Grant[] {
  const kind = containerKindOf(container);
  if (kind === null) return NO_GRANTS;
  switch (kind) {
    case 'pool':
      return indexed.pools.has(container) ? inForceAt(source, container, nowMs) : NO_GRANTS;
    case 'tag':
      return atLevel(source, container, true, nowMs);
    case 'host':
      return atLevel(source, container, false, nowMs);
    default:
      return unreachable(kind);
  }
}

function atLevel(source: Source, level: string, isTarget: boolean, nowMs: number): readonly Grant[] {
  const counts = (grant: Grant) => (isTarget || grant.inherit) && !isPast(grant.untilMs, nowMs);
  const own = source.own.get(level)?.filter(counts) ?? NO_GRANTS;
  if (own.length > 0) return own;
  return source.ofGroups().get(level)?.filter(counts) ?? NO_GRANTS;
}
