import { givenBy, privilegesAt } from './decide.ts';
import { principalWords, reasonSentence, refusalSentence } from './explain-words.ts';
import type { ExplainedPrivilege, MapExplanation, Reason, ThingExplanation } from './explanation.ts';
import type { Grant } from './facts.ts';
import { type IndexedFacts, thingAt } from './index-facts.ts';
import type { Thing } from './scope.ts';
import { standingOf, type Who } from './standing.ts';
import { type Traced, trace } from './trace.ts';

/** What they may do with a thing, and for each privilege which grants gave it, or stood in its way. */
export function explain(indexed: IndexedFacts, who: Who, thing: Thing, nowMs: number): ThingExplanation {
  const asked = { ...askedOf(indexed, who, nowMs), path: thing.path, memberOf: [...thing.memberOf] };
  const standing = standingOf(indexed, who, nowMs);
  if (standing.is === 'refused') return { ...asked, privileges: [], withheld: [], cancelledBy: [] };
  const sides = standing.sources.map((source, index) => ({
    side: sideOf(indexed, who, standing.sources.length, index),
    traced: trace(indexed, source, thing, nowMs),
  }));
  const had = privilegesAt(indexed, who, thing, nowMs);
  const named = new Set(
    sides.flatMap(({ traced }) => traced.flatMap(({ grant }) => [...(indexed.roles.get(grant.role)?.privileges ?? [])])),
  );
  const one = (privilege: string): ExplainedPrivilege => {
    const inherit = had.get(privilege)?.inherit;
    return {
      privilege,
      inherit: inherit ?? false,
      because: sides.flatMap((side) => reasonsOf(indexed, side, privilege, thing, inherit !== undefined)),
      sentence: sentenceOf(indexed, who, privilege, thing.path, sides),
    };
  };
  const all = [...named].sort().map(one);
  return {
    ...asked,
    privileges: all.filter(({ privilege }) => had.has(privilege)),
    withheld: all.filter(({ privilege }) => !had.has(privilege)),
    cancelledBy: sides.flatMap(({ side, traced }) =>
      traced
        .filter(({ grant, fate }) => fate.is === 'gives' && indexed.roles.get(grant.role)?.cancels === true)
        .map((found) => reasonOf(indexed, side, found, null, thing.path)),
    ),
  };
}

/** What they may do at every path that a grant, pool, tag or host names, and at some more. */
export function explainMap(indexed: IndexedFacts, who: Who, nowMs: number, more: readonly string[] = []): MapExplanation {
  const { grants, containers } = indexed.facts;
  const paths = new Set([
    '/',
    ...grants.map(({ scope }) => scope),
    ...containers.flatMap(({ path, members }) => [path, ...members]),
    ...more,
  ]);
  return explainThings(
    indexed,
    who,
    [...paths].map((path) => thingAt(indexed, path)),
    nowMs,
  );
}

/** What they may do with each of these, by path. */
export function explainThings(indexed: IndexedFacts, who: Who, things: readonly Thing[], nowMs: number): MapExplanation {
  const byPath = things.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return {
    ...askedOf(indexed, who, nowMs),
    paths: byPath.map((thing) => {
      const privileges = [...privilegesAt(indexed, who, thing, nowMs)].map(([privilege, { inherit }]) => ({ privilege, inherit }));
      const sorted = privileges.sort((a, b) => (a.privilege < b.privilege ? -1 : 1));
      return { path: thing.path, memberOf: [...thing.memberOf], privileges: sorted };
    }),
  };
}

interface Side {
  readonly side: Reason['side'];
  readonly traced: readonly Traced[];
}

/** A token for all that its owner has is asked about, and its owner's grants answer. */
function sideOf(indexed: IndexedFacts, who: Who, count: number, index: number): Reason['side'] {
  if (who.kind !== 'token' || indexed.tokens.get(who.id) === undefined) return 'own';
  return index === count - 1 ? 'owner' : 'own';
}

function askedOf(indexed: IndexedFacts, who: Who, nowMs: number): Pick<MapExplanation, 'who' | 'atMs' | 'refused'> {
  const rows = { user: indexed.users, group: indexed.groups, token: indexed.tokens } as const;
  const standing = standingOf(indexed, who, nowMs);
  const words = principalWords(indexed, who);
  return {
    who: { ...who, name: rows[who.kind].get(who.id)?.name ?? who.id },
    atMs: nowMs,
    refused: standing.is === 'good' ? null : { because: standing.because, sentence: capital(refusalSentence(words, standing.because)) },
  };
}

/** Who has it is told what gives it; who does not, what stood in the way. */
function reasonsOf(indexed: IndexedFacts, { side, traced }: Side, privilege: string, thing: Thing, isHad: boolean): Reason[] {
  return traced
    .filter(({ grant, fate }) => (fate.is === 'gives' || !isHad) && gives(indexed, grant, privilege))
    .map((found) => reasonOf(indexed, side, found, privilege, thing.path));
}

function reasonOf(indexed: IndexedFacts, side: Reason['side'], found: Traced, privilege: string | null, path: string): Reason {
  const { grant, via, fate } = found;
  const by = fate.is === 'replaced' || fate.is === 'cancelled' ? [...fate.by] : [];
  return {
    grant,
    via,
    side,
    effect: privilege === null ? 'cancels' : fate.is,
    by,
    sentence: capital(reasonSentence(indexed, found, privilege, path)),
  };
}

function sentenceOf(indexed: IndexedFacts, who: Who, privilege: string, path: string, sides: readonly Side[]): string {
  const name = capital(principalWords(indexed, who));
  const lacking = sides.filter(({ traced }) => !traced.some(({ grant, fate }) => fate.is === 'gives' && gives(indexed, grant, privilege)));
  if (lacking.length === 0) return `${name} has ${privilege} on ${path}.`;
  const lacks = `${name} does not have ${privilege} on ${path}`;
  if (sides.length < 2) return `${lacks}.`;
  if (lacking.length > 1) return `${lacks}: neither the token nor its owner has it.`;
  return lacking[0]?.side === 'owner' ? `${lacks}: its owner lacks it.` : `${lacks}: its owner has it, and the token has own grants only.`;
}

const gives = (indexed: IndexedFacts, grant: Grant, privilege: string): boolean => givenBy(indexed, [grant], privilege);

const capital = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1);
