import { OidcSettings, SignInWaysView } from '@drover/shared/api/directories';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { Directory } from '../../db/identity-store.ts';
import { addTicket, useTicket } from '../../db/identity-writes.ts';
import { SEALED_PLACES } from '../../db/sealed-places.ts';
import { hashOfSecret } from '../../db/secret.ts';
import { beginOpenId, finishOpenId, type OpenIdAccess } from '../../identity/open-id.ts';
import type { Attempts } from '../attempts.ts';
import type { AppDeps } from '../deps.ts';
import { userOfPerson } from '../directory-person.ts';
import { originOf } from '../origin.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { type Asking, afterFirstFactor, siteOrNull, urlOf } from '../signing-in.ts';
import { Ref } from './params.ts';

const PATH = '/api/v1/sign-in';
const BEGUN_MS = 10 * 60_000;

/** One of our own pages: never another host, however it is written. */
export const OwnPath = z
  .string()
  .max(500)
  .regex(/^\/(?![/\\])[^\\\s]*$/, 'a path of this control plane, as in /guests/107')
  .refine(
    (path) => URL.canParse(path, 'http://own') && new URL(path, 'http://own').origin === 'http://own',
    'a path of this control plane',
  );

const Facts = z.object({
  directoryId: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  browser: z.string(),
  to: OwnPath,
});

export function openIdRoutes(deps: AppDeps, attempts: Attempts): Route[] {
  return [waysRoute(deps), beginRoute(deps, attempts), callbackRoute(deps, attempts)];
}

function waysRoute(deps: AppDeps): Route {
  return route({
    method: 'GET',
    path: '/api/v1/sign-in-ways',
    right: 'public',
    tag: 'session',
    summary: 'How people may sign in here',
    response: SignInWaysView,
    async handler({ request }) {
      const directories = (await deps.store.identity.directories()).filter(({ enabled }) => enabled);
      return { body: { passkeys: siteOrNull(deps, request) !== null, directories: directories.map(({ name, kind }) => ({ name, kind })) } };
    },
  });
}

function beginRoute(deps: AppDeps, attempts: Attempts): Route {
  const { store, clock, random } = deps;
  return rawRoute({
    method: 'GET',
    path: `${PATH}/{directory}`,
    right: 'public',
    tag: 'session',
    summary: 'Sign in by an OpenID Connect provider: sends the browser there, and afterwards to `to`',
    params: z.object({ directory: Ref }),
    query: z.strictObject({ to: OwnPath.default('/') }),
    answers: { status: 303, contentType: null, description: 'Off to the provider' },
    async handler({ params, query, request, address }) {
      attempts.begin(address);
      const directory = await store.identity.directory(params.directory);
      if (directory?.kind !== 'oidc' || !directory.enabled) {
        throw new Problem('not-found', `nobody signs in by ${params.directory}`, { field: 'directory' });
      }
      const { url, ...begun } = await beginOpenId(await openIdAccess(deps, directory), callbackOf(deps, request));
      const browser = random.text(40);
      await store.identity.write([
        addTicket({
          hash: hashOfSecret(begun.state),
          purpose: 'open-id',
          userId: null,
          facts: { ...begun, directoryId: directory.id, browser: hashOfSecret(browser), to: query.to },
          expiresAtMs: clock.now() + BEGUN_MS,
        }),
      ]);
      return reply(null, {
        status: 303,
        headers: { location: url, 'cache-control': 'no-store', 'set-cookie': browserCookie(request, browser) },
      });
    },
  });
}

function callbackRoute(deps: AppDeps, attempts: Attempts): Route {
  return rawRoute({
    method: 'GET',
    path: `${PATH}/openid/callback`,
    right: 'public',
    tag: 'session',
    summary: 'Where a provider sends the browser back to: signs in, and goes on to where the person wanted',
    // Providers add parameters of their own.
    query: z.looseObject({ state: z.string().max(500).optional() }),
    answers: {
      status: 303,
      contentType: null,
      description: 'Signed in, or on to the sign-in page with what is still needed or went wrong',
    },
    async handler({ query, request, address }) {
      try {
        return await attempts.try(address, () => signInBack(deps, query.state, { request, address }));
      } catch (thrown) {
        const problem = Problem.from(thrown);
        if (problem.code === 'internal') throw thrown;
        const words = new URLSearchParams({
          problem: problem.message,
          ...(problem.suggestion === undefined ? {} : { suggestion: problem.suggestion }),
        });
        return onTo(`/sign-in#${words}`);
      }
    },
  });
}

async function signInBack(deps: AppDeps, state: string | undefined, asking: Asking): Promise<Response> {
  const { identity } = deps.store;
  const hash = hashOfSecret(state ?? '');
  const ticket = await identity.ticket(hash, deps.clock.now());
  const begun = ticket?.purpose === 'open-id' ? Facts.parse(ticket.facts) : null;
  // Without its cookie this is another browser than the one that began: somebody is being signed in as somebody else.
  if (!begun || hashOfSecret(browserOf(asking.request)) !== begun.browser) {
    throw new Problem('not-signed-in', 'this sign-in took too long, or began in another browser', { suggestion: 'begin again' });
  }
  const directory = await identity.directory(begun.directoryId);
  if (directory?.kind !== 'oidc' || !directory.enabled) throw new Problem('not-allowed', 'nobody signs in by this directory any more');
  const access = await openIdAccess(deps, directory);
  const answered = new URL(callbackOf(deps, asking.request));
  answered.search = new URL(asking.request.url).search;
  const person = await finishOpenId(access, answered, begun);
  const { user, statements } = await userOfPerson(deps, directory, access.settings, person);
  const proved = access.settings.secondFactor === 'theirs' ? 'two' : 'one';
  const { body, headers } = await afterFirstFactor(
    deps,
    user,
    { way: 'oidc', proved, alongside: [...useTicket(hash), ...statements] },
    asking,
  );
  if ('user' in body) return onTo(begun.to, headers);
  return onTo(`/sign-in#${new URLSearchParams({ ticket: body.ticket, needs: body.needs.join(' '), to: begun.to })}`);
}

export async function openIdAccess(
  { identity }: Pick<AppDeps, 'identity'>,
  directory: Directory,
): Promise<OpenIdAccess & { readonly settings: OidcSettings }> {
  const secret =
    directory.secrets === '' ? null : await identity.vault.open(directory.secrets, SEALED_PLACES.directorySecrets.context(directory.id));
  return { settings: OidcSettings.parse(directory.settings), secret };
}

const callbackOf = (deps: AppDeps, request: Request): string => `${urlOf(deps, request)}${PATH}/openid/callback`;

const onTo = (path: string, headers: Record<string, string> = {}): Response =>
  reply(null, { status: 303, headers: { location: path, 'cache-control': 'no-store', ...headers } });

const cookieName = (request: Request): string => `drover_openid_${new URL(originOf(request)).port || 'web'}`;

function browserCookie(request: Request, secret: string): string {
  const secure = originOf(request).startsWith('https:') ? '; Secure' : '';
  // Lax: it comes along when the provider sends the browser back.
  return `${cookieName(request)}=${secret}; Path=${PATH}; HttpOnly; SameSite=Lax; Max-Age=${BEGUN_MS / 1_000}${secure}`;
}

function browserOf(request: Request): string {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('=', 2));
  return pairs.find(([name]) => name === cookieName(request))?.[1] ?? '';
}
