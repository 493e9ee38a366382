import type { ExplainedPrivilege, Reason } from '@drover/shared/access/explanation';
import type { Grant } from '@drover/shared/access/facts';
import { Privilege } from '@drover/shared/access/privilege';
import type { LiveMapExplanation, LiveThingExplanation } from '@drover/shared/api/access';
import { unreachable } from '@drover/shared/lib/assert';
import { clean } from './print.ts';
import { formatTime } from './units.ts';

type Names = Readonly<Record<string, string>>;

/** What somebody may do with one thing: the privileges that the same grants give, and those that the same ones would, each together. */
export function explainedThing({ who, path, refused, privileges, withheld, cancelledBy, names }: LiveThingExplanation): string {
  const head = `${who.kind} ${who.name} on ${called(path, names)}`;
  if (refused !== null) return lines([`${head}: nothing.`, refused.sentence]);
  return lines([
    privileges.length === 0 ? `${head}: nothing.` : `${head}:`,
    ...grouped(privileges, names),
    ...(withheld.length === 0 ? [] : ['', 'Withheld:', ...grouped(withheld, names)]),
    ...cancelledBy.map((reason) => `Everything is taken away by ${grantWords(reason.grant, names)}.`),
  ]);
}

/** What somebody may do, path by path. */
export function explainedMap({ who, refused, paths, names }: LiveMapExplanation): string {
  const head = `${who.kind} ${who.name}`;
  if (refused !== null) return lines([`${head}: nothing anywhere.`, refused.sentence]);
  return lines([
    `${head}:`,
    ...paths.flatMap(({ path, privileges }) => [`  ${called(path, names)}`, `    ${listed(privileges.map(({ privilege }) => privilege))}`]),
  ]);
}

function grouped(explained: readonly ExplainedPrivilege[], names: Names): string[] {
  const together = new Map<string, string[]>();
  for (const { privilege, because } of explained) {
    const why = because.map((reason) => `    ${reasonWords(reason, names)}`).join('\n');
    together.set(why, [...(together.get(why) ?? []), privilege]);
  }
  return [...together].flatMap(([why, privileges]) => [`  ${listed(privileges)}`, ...why.split('\n')]);
}

function reasonWords({ grant, via, side, effect, by }: Reason, names: Names): string {
  const whose = side === 'owner' ? 'its owner: ' : '';
  const way = via === grant.scope || grant.scope === '/' || !isContainer(via) ? '' : `, as it is in ${called(via, names)}`;
  return `${whose}${grantWords(grant, names)}${way}${fateWords(grant, effect, by, names)}`;
}

const isContainer = (via: string): boolean => /^\/(pool|tag|nodes)\//.test(via);

function fateWords(grant: Grant, effect: Reason['effect'], by: readonly Grant[], names: Names): string {
  const others = by.map((other) => grantWords(other, names)).join(' and ');
  switch (effect) {
    case 'gives':
      return grant.untilMs === null ? '' : `, until ${formatTime(grant.untilMs)}`;
    case 'cancels':
      return ', which takes everything away';
    case 'expired':
      return `: ended ${formatTime(grant.untilMs ?? 0)}`;
    case 'not-inherited':
      return ': counts there alone, it is not inherited';
    case 'replaced':
      return `: replaced by ${others}`;
    case 'cancelled':
      return `: taken away by ${others}`;
    default:
      return unreachable(effect);
  }
}

function grantWords({ role, principal: { kind, id }, scope }: Grant, names: Names): string {
  return `${role} for ${kind} ${names[`${kind}:${id}`] ?? id} on ${called(scope, names)}`;
}

/** "/vms/107 (web)" */
const called = (path: string, names: Names): string => (names[path] === undefined ? path : `${path} (${names[path]})`);

function listed(privileges: readonly string[]): string {
  if (privileges.length === 0) return 'nothing';
  return Privilege.options.every((privilege) => privileges.includes(privilege)) ? 'everything' : privileges.join(', ');
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${clean(text)}\n`).join('');
