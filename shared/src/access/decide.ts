import type { Grant } from './facts.ts';
import { type IndexedFacts, NO_GRANTS, type Source } from './index-facts.ts';
import type { Thing } from './scope.ts';
import { standingOf, type Who } from './standing.ts';
import { inForceAt, inForceBy } from './walk.ts';

/** What one source has on a thing: by its own path, by what the thing is in; or what cancels all of it. */
export interface Held {
  readonly direct: readonly Grant[];
  readonly contained: readonly Grant[];
  readonly cancelledBy: readonly Grant[];
}

/** The one decision: may they? Privileges are Drover's own, or those of a bundle. */
export function may(indexed: IndexedFacts, who: Who, privilege: string, thing: Thing, nowMs: number): boolean {
  const standing = standingOf(indexed, who, nowMs);
  if (standing.is === 'refused') return false;
  return standing.sources.every((source) => {
    const held = heldOn(indexed, source, thing, nowMs);
    return givenBy(indexed, held.direct, privilege) || givenBy(indexed, held.contained, privilege);
  });
}

/** Every privilege that they have on a thing, and whether they have it below the thing too. */
export function privilegesAt(
  indexed: IndexedFacts,
  who: Who,
  thing: Thing,
  nowMs: number,
): ReadonlyMap<string, { readonly inherit: boolean }> {
  const standing = standingOf(indexed, who, nowMs);
  if (standing.is === 'refused') return new Map();
  const [first, ...rest] = standing.sources.map((source) => privilegesOf(indexed, heldOn(indexed, source, thing, nowMs)));
  const common = new Map<string, { readonly inherit: boolean }>();
  for (const [privilege, inherit] of first ?? [])
    if (rest.every((other) => other.has(privilege)))
      common.set(privilege, { inherit: inherit && rest.every((other) => other.get(privilege) === true) });
  return common;
}

/** A role that cancels, on the thing itself or on what it is in, leaves nothing. */
export function heldOn(indexed: IndexedFacts, source: Source, thing: Thing, nowMs: number): Held {
  const direct = inForceAt(source, thing.path, nowMs);
  const cancelling = (grants: readonly Grant[]) => grants.filter(({ role }) => indexed.roles.get(role)?.cancels === true);
  const cancelledDirectly = cancelling(direct);
  if (cancelledDirectly.length > 0) return { direct: NO_GRANTS, contained: NO_GRANTS, cancelledBy: cancelledDirectly };
  if (thing.memberOf.length === 0) return { direct, contained: NO_GRANTS, cancelledBy: NO_GRANTS };
  const contained = thing.memberOf.flatMap((container) => inForceBy(indexed, source, container, nowMs));
  const cancelledBy = cancelling(contained);
  if (cancelledBy.length > 0) return { direct: NO_GRANTS, contained: NO_GRANTS, cancelledBy };
  return { direct, contained, cancelledBy: NO_GRANTS };
}

/** A role that nobody knows gives nothing; it still replaces, so that its removal opens nothing. */
export const givenBy = (indexed: IndexedFacts, grants: readonly Grant[], privilege: string): boolean =>
  grants.some(({ role }) => indexed.roles.get(role)?.privileges.has(privilege) === true);

function privilegesOf(indexed: IndexedFacts, held: Held): Map<string, boolean> {
  const privileges = new Map<string, boolean>();
  const add = (grant: Grant, inherit: boolean) => {
    for (const privilege of indexed.roles.get(grant.role)?.privileges ?? [])
      privileges.set(privilege, inherit || privileges.get(privilege) === true);
  };
  for (const grant of held.direct) add(grant, grant.inherit);
  // What a thing has from a pool, tag or host is the thing's alone.
  for (const grant of held.contained) add(grant, false);
  return privileges;
}
