import { SignIn } from '@drover/shared/api/requests';
import { SessionView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { newId } from '@drover/shared/model/id';
import { hashOfSecret } from '../../db/secret.ts';
import type { Attempts } from '../attempts.ts';
import type { AppDeps } from '../deps.ts';
import { originOf, senderOf } from '../origin.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { SESSION_MS, sessionCookie } from '../session.ts';
import { userView } from '../views.ts';

const PATH = '/api/v1/session';

export function sessionRoutes(deps: AppDeps, attempts: Attempts): Route[] {
  const { store, clock, random, version } = deps;
  const urlOf = (request: Request): string => deps.publicUrl ?? originOf(request);
  return [
    route({
      method: 'POST',
      path: PATH,
      right: 'public',
      tag: 'session',
      summary: 'Sign in with the token of a one-time link: sets the session cookie',
      body: SignIn,
      status: 201,
      response: SessionView,
      async handler({ body, request, address }) {
        // Another page must not sign its visitor in as somebody of its choice.
        if (senderOf(request) === 'foreign') throw new Problem('not-allowed', 'this request came from another page');
        const nowMs = clock.now();
        const user = await attempts.try(address, async () => {
          const found = await store.access.useLink(hashOfSecret(body.token), nowMs);
          if (!found)
            throw new Problem('not-signed-in', 'this link is not good: it was used, or has expired', {
              suggestion: 'npx drover sign-in-link makes a new one',
            });
          return found;
        });
        const secret = `drs_${random.text(40)}`;
        await store.access.addToken(
          {
            id: newId('token', random),
            kind: 'session',
            name: 'browser',
            userId: user.id,
            role: user.role,
            createdAtMs: nowMs,
            lastUsedAtMs: nowMs,
            expiresAtMs: nowMs + SESSION_MS,
          },
          hashOfSecret(secret),
        );
        return { body: { user: userView(user), version, url: urlOf(request) }, headers: { 'set-cookie': sessionCookie(request, secret) } };
      },
    }),
    route({
      method: 'GET',
      path: PATH,
      right: 'self',
      tag: 'session',
      summary: 'Who am I',
      response: SessionView,
      handler: async ({ caller, request }) => ({
        body: { user: { ...userView(caller.user), role: caller.role }, version, url: urlOf(request) },
      }),
    }),
    rawRoute({
      method: 'DELETE',
      path: PATH,
      right: 'self',
      tag: 'session',
      summary: 'Sign out: the session, or the token that this request was made with, is good no more',
      answers: { status: 204, contentType: null, description: 'Signed out' },
      async handler({ caller, request }) {
        await store.access.removeToken(caller.token.id);
        return reply(null, { status: 204, headers: { 'set-cookie': sessionCookie(request, null) } });
      },
    }),
  ];
}
