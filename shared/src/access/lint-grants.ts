import type { Bundle } from './bundle.ts';
import { heldOn } from './decide.ts';
import { listed, principalWords } from './explain-words.ts';
import type { Grant } from './facts.ts';
import type { Finding } from './finding.ts';
import type { IndexedFacts, Source } from './index-facts.ts';
import { anyBelow, containerKindOf, levelsOf } from './scope.ts';
import { isPast, standingOf } from './standing.ts';
import { trace } from './trace.ts';

interface LintedGrants {
  readonly findings: readonly Finding[];
  /** Those that count somewhere for somebody. */
  readonly matching: readonly Grant[];
}

/** Grants that never match, each with the first reason that holds. */
export function lintGrants(bundle: Bundle, indexed: IndexedFacts, nowMs: number): LintedGrants {
  const paths = pathsOf(bundle, indexed);
  const firsts = new Map<string, Grant>();
  const findings: Finding[] = [];
  const matching: Grant[] = [];
  for (const grant of indexed.facts.grants) {
    const found = unknownIn(indexed, grant) ?? pastOf(indexed, grant, nowMs) ?? placeOf(grant, paths) ?? hiddenBy(indexed, grant, nowMs);
    if (found === null) matching.push(grant);
    else findings.push({ where: grant.id, ...found });
    const key = JSON.stringify([grant.principal, grant.role, grant.scope]);
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, grant);
    else
      findings.push({
        code: 'duplicate',
        severity: 'warning',
        where: grant.id,
        sentence: `The same role is granted in ${first.id} already.`,
      });
  }
  return { findings, matching };
}

type Found = Omit<Finding, 'where'> | null;

const error = (code: Finding['code'], sentence: string): Found => ({ code, severity: 'error', sentence });
const warning = (code: Finding['code'], sentence: string): Found => ({ code, severity: 'warning', sentence });

function unknownIn(indexed: IndexedFacts, { principal, role }: Grant): Found {
  if (!indexed.sources[principal.kind].has(principal.id))
    return error('unknown-principal', `There is no ${principal.kind} "${principal.id}", so the grant matches nobody.`);
  if (!indexed.roles.has(role))
    return error('unknown-role', `There is no role "${role}", so the grant gives nothing; it still replaces what is granted above.`);
  return null;
}

function pastOf(indexed: IndexedFacts, { principal, untilMs }: Grant, nowMs: number): Found {
  if (isPast(untilMs, nowMs)) return warning('expired', `The grant ended at ${new Date(untilMs ?? 0).toISOString()}.`);
  const token = principal.kind === 'token' ? indexed.tokens.get(principal.id) : undefined;
  if (token?.ownGrantsOnly === false)
    return warning('token-grant-ignored', `The token ${token.name} has all that its owner has, so a grant to itself does not count.`);
  if (peopleOf(indexed, principal).some((who) => standingOf(indexed, who, nowMs).is === 'good')) return null;
  const why = principal.kind === 'group' ? 'has no member who may do anything' : 'is disabled or has expired, or its owner';
  return warning('principal-without-rights', `The ${principalWords(indexed, principal)} ${why}, so the grant matches nobody now.`);
}

const peopleOf = (indexed: IndexedFacts, principal: Grant['principal']) =>
  principal.kind === 'group' ? (indexed.groups.get(principal.id)?.members ?? []).map((id) => ({ kind: 'user' as const, id })) : [principal];

interface KnownPaths {
  readonly at: ReadonlySet<string>;
  /** Known paths and everything above them. */
  readonly atOrAbove: ReadonlySet<string>;
  readonly pools: ReadonlySet<string>;
  /** Whether the bundle says that these are all. */
  readonly isWhole: boolean;
}

function pathsOf(bundle: Bundle, { facts, pools }: IndexedFacts): KnownPaths {
  const at = new Set([...(bundle.things ?? []), ...facts.containers.flatMap(({ path, members }) => [path, ...members])]);
  const withAbove = (paths: ReadonlySet<string>) => new Set([...paths].flatMap(levelsOf));
  return { at, atOrAbove: withAbove(at), pools: withAbove(pools), isWhole: bundle.things !== undefined };
}

/** What Drover itself keeps there is in no bundle. */
const ALWAYS_THERE = /^\/(access(\/.*)?|(vms|pool|tag|nodes|storage|network))?$/;

function placeOf({ scope }: Grant, known: KnownPaths): Found {
  if (ALWAYS_THERE.test(scope)) return null;
  if (containerKindOf(scope) === 'pool')
    return known.pools.has(scope)
      ? null
      : error('unknown-pool', `There is no pool ${scope.slice('/pool/'.length)}, so the grant matches nothing.`);
  const levels = levelsOf(scope);
  if (known.atOrAbove.has(scope) || levels.some((level) => known.at.has(level))) return null;
  const sentence = `No thing that the bundle names is at ${scope} or below it.`;
  if (known.isWhole) return warning('scope-of-nothing', sentence);
  // Where others of its kind are named, it may have been forgotten; where none are, nobody meant to name any.
  const [, kind = scope] = levels;
  return known.atOrAbove.has(kind) ? { code: 'scope-of-nothing', severity: 'note', sentence } : null;
}

/** Another grant at the same scope can stand in the way of one everywhere; a deeper one only where it is. */
function hiddenBy(indexed: IndexedFacts, grant: Grant, nowMs: number): Found {
  const sources: Source[] = [];
  for (const who of peopleOf(indexed, grant.principal)) {
    const standing = standingOf(indexed, who, nowMs);
    if (standing.is === 'refused') continue;
    sources.push(standing.sources[0]);
  }
  const places = (grant.inherit ? [grant.scope, anyBelow(grant.scope)] : [grant.scope]).map((path) => ({ path, memberOf: [] }));
  const counts = (source: Source) =>
    places.some((place) => {
      const { direct, cancelledBy } = heldOn(indexed, source, place, nowMs);
      return direct.includes(grant) || cancelledBy.includes(grant);
    });
  const [first] = sources;
  const [place] = places;
  if (first === undefined || place === undefined || sources.some(counts)) return null;
  const fate = trace(indexed, first, place, nowMs).find((traced) => traced.grant === grant)?.fate;
  if (fate?.is === 'cancelled')
    return warning('cancelled', `It gives nothing: ${listed(fate.by.map(({ id }) => id))} takes everything away there.`);
  if (fate?.is === 'replaced')
    return warning('replaced', `It gives nothing: ${listed(fate.by.map(({ id }) => id))} replaces it for everybody whom it is for.`);
  return null;
}
