import type { SecondFactorNeeded, SignIn } from '@drover/shared/api/identity';
import type { SessionView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { User } from '../db/access-store.ts';
import { rehash, useLink, usePasskey, useTicket } from '../db/identity-writes.ts';
import { hashOfSecret } from '../db/secret.ts';
import { passkeyIdOf, siteOf, verifyPasskey } from '../identity/passkeys.ts';
import type { Attempts } from './attempts.ts';
import type { AppDeps } from './deps.ts';
import { byDirectories } from './ldap-directory.ts';
import type { Answer } from './route.ts';
import { type Asking, afterFirstFactor, urlOf } from './signing-in.ts';

type Begun = Promise<Answer<SessionView | SecondFactorNeeded>>;
type By<K extends string> = Extract<SignIn, Readonly<Record<K, unknown>>>;

export async function byLink(deps: AppDeps, attempts: Attempts, token: string, asking: Asking): Begun {
  const nowMs = deps.clock.now();
  const hash = hashOfSecret(token);
  const user = await attempts.try(asking.address, async () => {
    const found = await deps.store.access.linkUser(hash, nowMs);
    if (found) return found;
    throw new Problem('not-signed-in', 'this link is not good: it was used, or has expired', {
      suggestion: 'npx drover sign-in-link makes a new one',
    });
  });
  return afterFirstFactor(deps, user, { way: 'link', proved: 'one', alongside: useLink(hash, nowMs) }, asking);
}

/** Nobody of that name, somebody without a password and a wrong password look alike, and take as long. */
export async function byPassword(deps: AppDeps, attempts: Attempts, body: By<'password'>, asking: Asking): Begun {
  const { access, identity } = deps.store;
  const user = await access.user(body.name);
  const isKnownAddress = user !== null && asking.address !== null && (await identity.isKnownAddress(user.id, asking.address));
  const account = { name: user?.name ?? body.name, isKnownAddress };
  const { found, way, alongside } = await attempts.try(
    asking.address,
    async () => {
      const own = body.directory === undefined ? await byOwnPassword(deps, user, body.password) : null;
      if (own) return own;
      const theirs = await byDirectories(deps, { name: body.name, password: body.password, only: body.directory });
      if (theirs) return { found: theirs.user, way: 'ldap' as const, alongside: theirs.statements };
      throw new Problem('not-signed-in', 'this name and password do not belong together');
    },
    account,
  );
  return afterFirstFactor(deps, found, { way, proved: 'one', alongside }, asking);
}

async function byOwnPassword({ store, identity: { hashes } }: AppDeps, user: User | null, password: string) {
  const kept = user && (await store.identity.ways(user.id)).password;
  if (!(await hashes.verify(password, kept?.hash ?? null)) || !user || !kept) return null;
  const upgrade = hashes.isOutdated(kept.hash) ? [rehash(user.id, await hashes.hash(password))] : [];
  return { found: user, way: 'password' as const, alongside: upgrade };
}

const Facts = z.object({ challenge: z.string() });

export async function byPasskey(deps: AppDeps, attempts: Attempts, { ticket, passkey }: By<'passkey'>, asking: Asking): Begun {
  const { access, identity } = deps.store;
  const nowMs = deps.clock.now();
  const hash = hashOfSecret(ticket);
  const { user, alongside } = await attempts.try(asking.address, async () => {
    const begun = await identity.ticket(hash, nowMs);
    if (begun?.purpose !== 'passkey') {
      throw new Problem('not-signed-in', 'this took too long', { suggestion: 'sign in from the beginning' });
    }
    const known = await identity.passkey(passkeyIdOf(passkey));
    const owner = known && (await access.user(known.userId));
    if (!known || !owner) {
      throw new Problem('not-signed-in', 'this passkey is not known here: it may have been removed', { field: 'passkey' });
    }
    const { challenge } = Facts.parse(begun.facts);
    const site = siteOf(urlOf(deps, asking.request));
    const { counter, backedUp } = await verifyPasskey(site, { challenge, answer: passkey, isOnlyFactor: true }, known);
    return { user: owner, alongside: [...useTicket(hash), ...usePasskey(known.id, counter, backedUp, nowMs)] };
  });
  return afterFirstFactor(deps, user, { way: 'passkey', proved: 'two', alongside }, asking);
}
