import { CreateToken, CreateUser } from '@drover/shared/api/requests';
import { NewTokenView, SignInLinkView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { newId } from '@drover/shared/model/id';
import { z } from 'zod';
import { mayGrant } from '../../core/access.ts';
import type { Grant, Principal } from '../../core/rights.ts';
import { ACCESS, EVERYTHING } from '../../core/things.ts';
import type { User } from '../../db/access-store.ts';
import { hashOfSecret } from '../../db/secret.ts';
import { recordOf } from '../act.ts';
import { Nothing, TokenPage, UserPage } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onAccess } from '../need.ts';
import { originOf } from '../origin.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import type { Caller } from '../session.ts';
import { mintSignInLink } from '../sign-in-link.ts';
import { demandStandIn } from '../stand-in.ts';
import { pageOf, tokenView, userView } from '../views.ts';
import { ListAll, Ref } from './params.ts';

export function accessRoutes(deps: AppDeps): Route[] {
  return [...userRoutes(deps), ...tokenRoutes(deps)];
}

function userRoutes(deps: AppDeps): Route[] {
  const { store, clock, random } = deps;
  const { access } = store;
  const minting = { access, clock, random };
  const urlOf = (request: Request): string => deps.publicUrl ?? originOf(request);
  const userParams = z.object({ user: Ref });

  async function userOf(ref: string) {
    const user = await access.user(ref);
    if (!user) throw new Problem('not-found', `there is no user ${ref}`, { field: 'user' });
    return user;
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/users',
      right: onAccess('Sys.Audit'),
      tag: 'access',
      summary: 'List users by name',
      query: ListAll,
      response: UserPage,
      async handler({ query, caller: { rights } }) {
        return { body: pageOf(await access.users(query), (user) => userView(user, rights.facts)) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/users',
      right: onAccess('User.Modify'),
      tag: 'access',
      summary: 'Add a user: the answer has a link that signs them in, once',
      body: CreateUser,
      status: 201,
      response: SignInLinkView,
      async handler(call) {
        const {
          body: { name, role, linkDays },
          caller,
          request,
        } = call;
        const nowMs = clock.now();
        const user = { id: newId('user', random), name, createdAtMs: nowMs };
        const record = recordOf(call, clock.now(), {
          kind: 'user',
          id: user.id,
          name: user.name,
          detail: role === undefined ? 'made' : `made, with ${role} on everything`,
        });
        await access.addUser(user, firstGrants(deps, caller, { kind: 'user', id: user.id }, role), record);
        return {
          body: {
            user: userView(user, await store.rights.facts()),
            ...(await mintSignInLink(minting, user, urlOf(request), { days: linkDays })),
          },
        };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/users/{user}/sign-in-link',
      right: 'self',
      tag: 'access',
      summary: 'A new link that signs a user in, once: oneself, or with User.Modify on /access anybody who has no more rights',
      params: userParams,
      body: Nothing,
      status: 201,
      response: SignInLinkView,
      async handler(call) {
        const { params, caller, request } = call;
        const user = caller.rights.seesAccess ? await userOf(params.user) : ownSelf(caller, params.user);
        // Who signs in has all that the user has, of which a token may have less.
        const isSelf = user.id === caller.user.id && !caller.token.ownGrantsOnly;
        if (!isSelf) await demandStandIn(caller, user, store);
        const record = recordOf(call, clock.now(), { kind: 'user', id: user.id, name: user.name, detail: 'a link that signs them in' });
        return {
          body: { user: userView(user, caller.rights.facts), ...(await mintSignInLink(minting, user, urlOf(request), { record })) },
        };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/users/{user}',
      right: onAccess('User.Modify'),
      tag: 'access',
      summary: 'Remove a user with all their tokens, sessions and grants',
      params: userParams,
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const { params, caller } = call;
        const user = await userOf(params.user);
        await demandStandIn(caller, user, store);
        await access.removeUser(user.id, recordOf(call, clock.now(), { kind: 'user', id: user.id, name: user.name, detail: 'removed' }));
        return reply(null, { status: 204 });
      },
    }),
  ];
}

function ownSelf({ user }: Caller, ref: string): User {
  if (user.id === ref || user.name === ref) return user;
  throw new Problem('not-found', `there is no user ${ref}`, { field: 'user' });
}

/** The one grant that somebody new may begin with, on everything. */
function firstGrants({ clock, random }: AppDeps, { user, rights }: Caller, principal: Principal, role: string | undefined): Grant[] {
  if (role === undefined) return [];
  if (!rights.facts.roles.has(role))
    throw new Problem('not-found', `there is no role ${role}`, { field: 'role', suggestion: 'drover role list' });
  // A token can never do more than its user: what is granted to it gives nobody anything.
  if (principal.kind === 'user' && !mayGrant(rights, role, EVERYTHING))
    throw new Problem('not-allowed', `you cannot give away ${role} on everything`, { field: 'role' });
  const common = { role, scope: '/', inherit: true, untilMs: null };
  return [{ id: newId('grant', random), principal, ...common, byUser: user.name, createdAtMs: clock.now() }];
}

function tokenRoutes(deps: AppDeps): Route[] {
  const { store, clock, random } = deps;
  const { access } = store;
  /** Everybody has their own; who may edit users has all. */
  const editsAll = ({ rights }: Caller): boolean => rights.may('User.Modify', ACCESS);

  return [
    route({
      method: 'GET',
      path: '/api/v1/tokens',
      right: 'self',
      tag: 'access',
      summary: 'List tokens by name: one’s own, or with User.Modify on /access all',
      query: ListAll,
      response: TokenPage,
      async handler({ query, caller }) {
        const whose = editsAll(caller) ? {} : { userId: caller.user.id };
        const page = await access.tokens({ ...query, ...whose });
        return { body: pageOf(page, (record) => tokenView(record, caller.rights.facts)) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/tokens',
      right: 'self',
      tag: 'access',
      summary: 'Make a token for a program: the answer shows its secret, once',
      body: CreateToken,
      status: 201,
      response: NewTokenView,
      async handler(call) {
        const { body, caller } = call;
        const { name, role, ownGrantsOnly = role !== undefined, expiresAtMs = null } = body;
        if (role !== undefined && !ownGrantsOnly)
          throw new Problem('bad-request', 'role: a token that may do all that you may has no role of its own', { field: 'role' });
        // What a program is given can give no more than it has.
        if (!ownGrantsOnly && caller.token.ownGrantsOnly)
          throw new Problem('not-allowed', 'this token has only its own grants, and cannot make one that has all of yours', {
            field: 'role',
          });
        if (expiresAtMs !== null && expiresAtMs <= clock.now())
          throw new Problem('bad-request', 'expiresAtMs: that moment has passed', { field: 'expiresAtMs' });
        if (ownGrantsOnly && caller.token.ownGrantsOnly && role !== undefined && !mayHand(caller, role))
          throw new Problem('not-allowed', `this token does not have all that ${role} has`, { field: 'role' });
        const secret = `drv_${random.text(40)}`;
        const token = {
          ...({ id: newId('token', random), kind: 'api', name, userId: caller.user.id } as const),
          ...{ ownGrantsOnly, createdAtMs: clock.now(), lastUsedAtMs: null, expiresAtMs },
        };
        const detail =
          role === undefined
            ? ownGrantsOnly
              ? 'made, with nothing yet'
              : 'made, with all of its user'
            : `made, with ${role} on everything`;
        const record = recordOf(call, clock.now(), { kind: 'token', id: token.id, name, detail });
        await access.addToken(token, hashOfSecret(secret), firstGrants(deps, caller, { kind: 'token', id: token.id }, role), record);
        return { body: { token: tokenView({ token, userName: caller.user.name }, await store.rights.facts()), secret } };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/tokens/{token}',
      right: 'self',
      tag: 'access',
      summary: 'Remove a token: one’s own, or with User.Modify on /access anybody’s',
      params: z.object({ token: Ref }),
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const { params, caller } = call;
        const token = (await access.token(params.token)) ?? (await ownTokenNamed(params.token, caller));
        const isVisible = token && (token.userId === caller.user.id || editsAll(caller));
        if (!isVisible) throw new Problem('not-found', `there is no token ${params.token}`, { field: 'token' });
        await access.removeToken(
          token.id,
          recordOf(call, clock.now(), { kind: 'token', id: token.id, name: token.name, detail: 'removed' }),
        );
        return reply(null, { status: 204 });
      },
    }),
  ];

  async function ownTokenNamed(name: string, caller: Caller) {
    const { items } = await access.tokens({ name, userId: caller.user.id, limit: 1 });
    return items[0]?.token ?? null;
  }
}

/** Has the caller every privilege of this role on everything? */
function mayHand({ rights }: Caller, role: string): boolean {
  const { privileges } = rights.facts.roles.get(role) ?? { privileges: new Set<string>() };
  const mine = rights.on(EVERYTHING);
  return [...privileges].every((privilege) => mine.has(privilege));
}
