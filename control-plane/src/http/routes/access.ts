import { CreateToken, CreateUser } from '@drover/shared/api/requests';
import { NewTokenView, SignInLinkView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { newId } from '@drover/shared/model/id';
import { z } from 'zod';
import { lesserRole, may } from '../../core/access.ts';
import { hashOfSecret } from '../../db/secret.ts';
import { Nothing, TokenPage, UserPage } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { originOf } from '../origin.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import type { Caller } from '../session.ts';
import { mintSignInLink } from '../sign-in-link.ts';
import { pageOf, tokenView, userView } from '../views.ts';
import { ListAll, Ref } from './params.ts';

export function accessRoutes(deps: AppDeps): Route[] {
  return [...userRoutes(deps), ...tokenRoutes(deps)];
}

function userRoutes(deps: AppDeps): Route[] {
  const { clock, random } = deps;
  const { access } = deps.store;
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
      right: 'access.edit',
      tag: 'access',
      summary: 'List users by name',
      query: ListAll,
      response: UserPage,
      handler: async ({ query }) => ({ body: pageOf(await access.users(query), userView) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/users',
      right: 'access.edit',
      tag: 'access',
      summary: 'Add a user: the answer has a link that signs them in, once',
      body: CreateUser,
      status: 201,
      response: SignInLinkView,
      async handler({ body, request }) {
        const { linkDays, ...named } = body;
        const user = { id: newId('user', random), ...named, createdAtMs: clock.now() };
        await access.addUser(user);
        return { body: { user: userView(user), ...(await mintSignInLink(minting, user, urlOf(request), linkDays)) } };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/users/{user}/sign-in-link',
      right: 'self',
      tag: 'access',
      summary: 'A new link that signs a user in, once: oneself, or with the right access.edit anybody',
      params: userParams,
      body: Nothing,
      status: 201,
      response: SignInLinkView,
      async handler({ params, caller, request }) {
        const user = await userOf(params.user);
        // Who signs in has the user's whole role, which a token may have less of.
        const isSelf = user.id === caller.user.id && caller.role === user.role;
        if (!isSelf && !may(caller, 'access.edit')) throw new Problem('not-allowed', 'this makes links for yourself only');
        return { body: { user: userView(user), ...(await mintSignInLink(minting, user, urlOf(request))) } };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/users/{user}',
      right: 'access.edit',
      tag: 'access',
      summary: 'Remove a user with all their tokens and sessions',
      params: userParams,
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler({ params }) {
        const user = await userOf(params.user);
        await access.removeUser(user.id);
        return reply(null, { status: 204 });
      },
    }),
  ];
}

function tokenRoutes({ store: { access }, clock, random }: AppDeps): Route[] {
  /** Everybody has their own; who may edit access has all. */
  const visibleTo = (caller: Caller) => (may(caller, 'access.edit') ? {} : { userId: caller.user.id });

  return [
    route({
      method: 'GET',
      path: '/api/v1/tokens',
      right: 'self',
      tag: 'access',
      summary: 'List tokens by name: one’s own, or with the right access.edit all',
      query: ListAll,
      response: TokenPage,
      handler: async ({ query, caller }) => ({ body: pageOf(await access.tokens({ ...query, ...visibleTo(caller) }), tokenView) }),
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
      async handler({ body, caller }) {
        const role = body.role ?? caller.role;
        if (lesserRole(role, caller.role) !== role) {
          throw new Problem('not-allowed', `you are ${caller.role}: a token of yours cannot be ${role}`, { field: 'role' });
        }
        const secret = `drv_${random.text(40)}`;
        const token = {
          id: newId('token', random),
          kind: 'api',
          name: body.name,
          userId: caller.user.id,
          role,
          createdAtMs: clock.now(),
          lastUsedAtMs: null,
          expiresAtMs: null,
        } as const;
        await access.addToken(token, hashOfSecret(secret));
        return { body: { token: tokenView({ token, userName: caller.user.name }), secret } };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/tokens/{token}',
      right: 'self',
      tag: 'access',
      summary: 'Remove a token: one’s own, or with the right access.edit anybody’s',
      params: z.object({ token: Ref }),
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler({ params, caller }) {
        const token = (await access.token(params.token)) ?? (await ownTokenNamed(params.token, caller));
        const isVisible = token && (token.userId === caller.user.id || may(caller, 'access.edit'));
        if (!isVisible) throw new Problem('not-found', `there is no token ${params.token}`, { field: 'token' });
        await access.removeToken(token.id);
        return reply(null, { status: 204 });
      },
    }),
  ];

  async function ownTokenNamed(name: string, caller: Caller) {
    const { items } = await access.tokens({ name, userId: caller.user.id, limit: 1 });
    return items[0]?.token ?? null;
  }
}
