import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { type Rights, rightsOf } from '../core/rights-of.ts';
import type { Token, User } from '../db/access-store.ts';
import { hashOfSecret } from '../db/secret.ts';
import type { Store } from '../db/store.ts';
import { originOf } from './origin.ts';

/** Who is calling, and with what right. */
export interface Caller {
  readonly user: User;
  readonly token: Token;
  /** What they may do, as of this request. */
  readonly rights: Rights;
  readonly by: 'cookie' | 'bearer';
}

const TOUCH_MS = 300_000;
/** All that a session is good for whose user lacks the second factor that the fleet asks for. */
const SETUP_PATHS = /^\/api\/v1\/(session|account)(\/|$)/;

/** Null: nobody. A proof that is given but not good is refused, so that a program with an old token learns it. */
export async function callerOf(request: Request, store: Pick<Store, 'access' | 'rights'>, clock: Clock): Promise<Caller | null> {
  const authorization = request.headers.get('authorization');
  const secret = authorization === null ? cookieOf(request) : bearerOf(authorization);
  if (secret === null) return null;
  const nowMs = clock.now();
  const found = await store.access.caller(hashOfSecret(secret), nowMs);
  if (!found) {
    if (authorization === null) return null;
    throw new Problem('not-signed-in', 'this token is not known, or is no longer good', { suggestion: 'make a new one: drover login' });
  }
  if (found.token.setupOnly && !SETUP_PATHS.test(new URL(request.url).pathname)) {
    throw new Problem('not-allowed', 'this fleet asks for a second factor, and you have none yet', {
      suggestion: 'set up a passkey or codes first: at /account',
    });
  }
  // Once in a while is enough to show when a token was last used; each request must not cost a write.
  if (nowMs - (found.token.lastUsedAtMs ?? 0) > TOUCH_MS) await store.access.touchToken(found.token.id, nowMs);
  const who = whoIs(found);
  return { ...found, rights: rightsOf(await store.rights.facts(), who, nowMs), by: authorization === null ? 'cookie' : 'bearer' };
}

/** A browser's session is its user; a program's token is itself, with what that comes to. */
export const whoIs = ({ user, token }: Pick<Caller, 'user' | 'token'>): Rights['who'] =>
  token.kind === 'session' ? { kind: 'user', id: user.id } : { kind: 'token', id: token.id };

function bearerOf(authorization: string): string {
  const secret = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1];
  if (secret === undefined) throw new Problem('not-signed-in', 'the Authorization header is not of the form "Bearer drv_…"');
  return secret;
}

/** Cookies do not tell ports apart, control planes on one machine do. */
function cookieName(request: Request): string {
  const { port, protocol } = new URL(originOf(request));
  // With this prefix no other host, and nobody who can write into plain HTTP, can give a browser a cookie of ours.
  return `${protocol === 'https:' ? '__Host-' : ''}drover_session_${port || 'web'}`;
}

function cookieOf(request: Request): string | null {
  const name = cookieName(request);
  for (const pair of (request.headers.get('cookie') ?? '').split(';')) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name && value) return value;
  }
  return null;
}

export function sessionCookie(request: Request, secret: string | null, sessionMs = 0): string {
  const isSecure = originOf(request).startsWith('https:');
  const maxAgeS = secret === null ? 0 : Math.floor(sessionMs / 1_000);
  return `${cookieName(request)}=${secret ?? ''}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${isSecure ? '; Secure' : ''}`;
}
