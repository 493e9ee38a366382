import { GiveSecondFactor, PasskeyChallenge, SignedIn, SignIn } from '@drover/shared/api/identity';
import { SessionView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { addTicket } from '../../db/identity-writes.ts';
import { hashOfSecret } from '../../db/secret.ts';
import { passkeyOptions, siteOf } from '../../identity/passkeys.ts';
import { recordOf } from '../act.ts';
import type { Attempts } from '../attempts.ts';
import { Nothing } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { byLink, byPasskey, byPassword } from '../first-factor.ts';
import { senderOf } from '../origin.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { afterSecondFactor } from '../second-factor.ts';
import { sessionCookie } from '../session.ts';
import { urlOf } from '../signing-in.ts';
import { privilegesOf, userView } from '../views.ts';

const PATH = '/api/v1/session';
const CHALLENGE_MS = 5 * 60_000;

export function sessionRoutes(deps: AppDeps, attempts: Attempts): Route[] {
  return [...beginRoutes(deps, attempts), ...ownRoutes(deps)];
}

function beginRoutes(deps: AppDeps, attempts: Attempts): Route[] {
  const { store, clock, random } = deps;
  return [
    route({
      method: 'POST',
      path: PATH,
      right: 'public',
      tag: 'session',
      summary: 'Sign in with a one-time link, a password or a passkey: sets the session cookie, or asks for a second factor',
      body: SignIn,
      status: 201,
      response: SignedIn,
      async handler({ body, request, address }) {
        refuseOtherPages(request);
        if ('token' in body) return byLink(deps, attempts, body.token, { request, address });
        if ('passkey' in body) return byPasskey(deps, attempts, body, { request, address });
        return byPassword(deps, attempts, body, { request, address });
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/second-factor`,
      right: 'public',
      tag: 'session',
      summary: 'Finish signing in with a code, a recovery code or a passkey: sets the session cookie',
      body: GiveSecondFactor,
      status: 201,
      response: SessionView,
      handler: async ({ body, request, address }) => {
        refuseOtherPages(request);
        return afterSecondFactor(deps, attempts, body, { request, address });
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/passkey`,
      right: 'public',
      tag: 'session',
      summary: 'Begin to sign in with a passkey, without a name',
      body: Nothing,
      status: 201,
      response: PasskeyChallenge,
      async handler({ request, address }) {
        refuseOtherPages(request);
        attempts.begin(address);
        const { challenge, options } = await passkeyOptions(siteOf(urlOf(deps, request)));
        const secret = random.text(40);
        const expiresAtMs = clock.now() + CHALLENGE_MS;
        await store.identity.write([
          addTicket({ hash: hashOfSecret(secret), purpose: 'passkey', userId: null, facts: { challenge }, expiresAtMs }),
        ]);
        return { body: { ticket: secret, options, expiresAtMs } };
      },
    }),
  ];
}

/** Another page must not sign its visitor in as somebody of its choice. */
function refuseOtherPages(request: Request): void {
  if (senderOf(request) === 'foreign') throw new Problem('not-allowed', 'this request came from another page');
}

function ownRoutes(deps: AppDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: PATH,
      right: 'self',
      tag: 'session',
      summary: 'Who am I',
      response: SessionView,
      handler: async ({ caller: { user, token, rights }, request }) => ({
        body: {
          user: userView(user, rights.facts),
          setupOnly: token.setupOnly ?? false,
          privileges: privilegesOf(rights),
          version: deps.version,
          url: urlOf(deps, request),
        },
      }),
    }),
    rawRoute({
      method: 'DELETE',
      path: PATH,
      right: 'self',
      tag: 'session',
      summary: 'Sign out: the session, or the token that this request was made with, is good no more',
      answers: { status: 204, contentType: null, description: 'Signed out' },
      async handler(call) {
        const { caller, request } = call;
        const record = recordOf(call, deps.clock.now(), { kind: 'user', id: caller.user.id, name: caller.user.name, detail: 'signed out' });
        await deps.store.access.removeToken(caller.token.id, record);
        return reply(null, { status: 204, headers: { 'set-cookie': sessionCookie(request, null) } });
      },
    }),
  ];
}
