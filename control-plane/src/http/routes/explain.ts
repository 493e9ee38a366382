import { holdersOf } from '@drover/shared/access/holders';
import { ExplainQuery, HoldersQuery, HoldersView, LiveExplanation } from '@drover/shared/api/access';
import type { AppDeps } from '../deps.ts';
import { explainedMap, explainedThing } from '../explained.ts';
import { onAccess } from '../need.ts';
import { type Route, route } from '../route.ts';
import { nobodyCalled, principalNamed, scopeSeen } from '../scope-names.ts';
import type { Caller } from '../session.ts';

/** What somebody may do, and why. */
export function explainRoutes({ store }: AppDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/access/explain',
      right: 'self',
      tag: 'access',
      summary: 'What somebody may do, there or anywhere, and the grants that gave or blocked each privilege',
      description: 'Oneself, left out; a token explains itself. Somebody else takes Sys.Audit on /access.',
      query: ExplainQuery,
      response: LiveExplanation,
      async handler({ query: { who, path }, caller }) {
        const asked = await askedAbout(who, caller);
        return {
          body: await (path === undefined ? explainedMap(asked, caller.rights, store) : explainedThing(asked, path, caller.rights, store)),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/access/holders',
      right: onAccess('Sys.Audit'),
      tag: 'access',
      summary: 'Who may do anything at all with a thing: people, and tokens with grants of their own',
      query: HoldersQuery,
      response: HoldersView,
      async handler({ query, caller: { rights } }) {
        const { path, thing } = await scopeSeen(query.path, 'path', rights, store);
        const holders = holdersOf(rights.facts, thing, rights.nowMs);
        const items = holders.map(({ who, name, privileges }) => ({ who: { ...who, name }, privileges: [...privileges] }));
        return { body: { path, items } };
      },
    }),
  ];

  async function askedAbout(typed: string | undefined, caller: Caller) {
    const { user, token, rights } = caller;
    if (typed === undefined) return { ...rights.who, name: rights.who.kind === 'user' ? user.name : `${user.name}!${token.name}` };
    const who = withKind(typed);
    const found = await principalNamed(who, store);
    if (rights.seesAccess || isOwn(found, caller)) return found;
    throw nobodyCalled(who);
  }
}

/** A name alone is a user's, or with "!" in it a token's. */
const withKind = (typed: string): string =>
  /^(user|group|token):/.test(typed) ? typed : `${typed.includes('!') ? 'token' : 'user'}:${typed}`;

/** Themselves and their tokens; a token with own grants only knows of nothing but itself. */
function isOwn({ kind, id }: { readonly kind: string; readonly id: string }, { user, token, rights }: Caller): boolean {
  if (kind === rights.who.kind && id === rights.who.id) return true;
  if (token.ownGrantsOnly) return false;
  return kind === 'token' ? rights.facts.tokens.get(id)?.owner === user.id : kind === 'user' && id === user.id;
}
