import type { OidcSettings } from '@drover/shared/api/directories';
import { Problem } from '@drover/shared/lib/problem';
import * as client from 'openid-client';
import { z } from 'zod';

/** OpenID Connect: the authorization code flow with PKCE, a state and a nonce. */

const ANSWER_S = 10;

export interface OpenIdAccess {
  readonly settings: OidcSettings;
  /** The client's; null: it is a public one. */
  readonly secret: string | null;
}

/** What has to be remembered until the browser is back. */
export interface OpenIdBegun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface OpenIdPerson {
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[] | null;
}

export async function beginOpenId(access: OpenIdAccess, redirectUri: string): Promise<OpenIdBegun & { readonly url: string }> {
  const { settings } = access;
  const config = await discover(access);
  const begun = { state: client.randomState(), nonce: client.randomNonce(), verifier: client.randomPKCECodeVerifier() };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: settings.scopes.join(' '),
    code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: 'S256',
    state: begun.state,
    nonce: begun.nonce,
    ...(settings.prompt === null ? {} : { prompt: settings.prompt }),
  });
  return { ...begun, url: url.href };
}

/** `answered`: the address that the browser came back to, as we are known to it. */
export async function finishOpenId(access: OpenIdAccess, answered: URL, begun: OpenIdBegun): Promise<OpenIdPerson> {
  const config = await discover(access);
  const tokens = await refusing(() =>
    client.authorizationCodeGrant(config, answered, {
      pkceCodeVerifier: begun.verifier,
      expectedState: begun.state,
      expectedNonce: begun.nonce,
      idTokenExpected: true,
    }),
  );
  const claims = tokens.claims();
  if (!claims) throw new Problem('not-signed-in', 'the provider did not say who this is');
  const wanted = [access.settings.nameClaim, ...(access.settings.groupsClaim === null ? [] : [access.settings.groupsClaim])];
  const isTold = wanted.every((claim) => valueAt(claims, claim) !== undefined);
  const canAsk = config.serverMetadata().userinfo_endpoint !== undefined;
  const more = isTold || !canAsk ? {} : await refusing(() => client.fetchUserInfo(config, tokens.access_token, claims.sub));
  return personOf({ ...more, ...claims }, access.settings);
}

/** Throws Problem: what a person of this provider is called is said in its claims. */
export function personOf(claims: Readonly<Record<string, unknown>>, { nameClaim, groupsClaim }: OidcSettings): OpenIdPerson {
  const subject = z.string().min(1).max(255).safeParse(claims.sub);
  const name = z.string().min(1).max(200).safeParse(valueAt(claims, nameClaim));
  if (!subject.success) throw new Problem('not-signed-in', 'the provider did not say who this is');
  if (!name.success) {
    throw new Problem('not-allowed', `the provider said nothing of "${nameClaim}", which names are taken from`, {
      suggestion: 'an owner can choose another claim, or ask for a scope that has it',
    });
  }
  if (groupsClaim === null) return { subject: subject.data, name: name.data, groups: null };
  const told = valueAt(claims, groupsClaim);
  const groups = z
    .array(z.string().max(200))
    .max(1_000)
    .safeParse(typeof told === 'string' ? [told] : (told ?? []));
  return { subject: subject.data, name: name.data, groups: groups.success ? groups.data : [] };
}

/** "realm_access.roles" looks inside, unless there is a claim of just that name. */
function valueAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    // Sound: an object that has this key, whatever is in it.
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}

/** Asked anew each time: it is one request, and a provider that changed its keys is believed at once. */
export async function discover({ settings, secret }: OpenIdAccess): Promise<client.Configuration> {
  const issuer = new URL(settings.issuer);
  const isLocal = issuer.protocol === 'http:' && /^(localhost|127\.[\d.]+|\[::1\])$/.test(issuer.hostname);
  if (issuer.protocol === 'http:' && !isLocal) {
    throw new Problem('unsupported', 'a provider is asked by https only', { field: 'issuer' });
  }
  return refusing(() =>
    client.discovery(issuer, settings.clientId, undefined, secret === null ? client.None() : client.ClientSecretPost(secret), {
      timeout: ANSWER_S,
      ...(isLocal ? { execute: [client.allowInsecureRequests] } : {}),
    }),
  );
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/access_denied/, 'the provider let nobody in: it was cancelled, or is not allowed there'],
  [/login_required|interaction_required|consent_required/, 'the provider wants to ask something: set `prompt` to something else than none'],
  [/invalid_client|unauthorized_client/, 'the provider does not know this client, or its secret is wrong'],
  [/redirect_uri/, 'the provider does not know our address: add it to the client there'],
  [/"?nonce"?/i, 'the answer is to another question than ours'],
  [/"?state"?/i, 'the answer is to another question than ours'],
  [/issuer/i, 'the provider calls itself otherwise than `issuer` does'],
  [/expired|"exp"|"iat"|"nbf"/i, 'the provider’s clock and ours differ'],
  [/timed? ?out|aborted/i, 'the provider does not answer'],
  [/fetch failed|ENOTFOUND|ECONNREFUSED|certificate/i, 'the provider cannot be reached'],
];

async function refusing<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    const words = wordsOf(thrown);
    const reason = REASONS.find(([pattern]) => pattern.test(words))?.[1] ?? 'the provider’s answer is not as it should be';
    throw new Problem('not-signed-in', reason, { cause: thrown });
  }
}

function wordsOf(thrown: unknown): string {
  const words: string[] = [];
  for (let cause = thrown; cause instanceof Error && words.length < 10; cause = cause.cause) {
    const more = ['code', 'error', 'error_description'].map((key) => (key in cause ? String(Reflect.get(cause, key)) : ''));
    words.push(cause.message, ...more);
  }
  return words.join(' ');
}
