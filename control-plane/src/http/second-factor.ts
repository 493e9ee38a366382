import type { GiveSecondFactor, SignInWay } from '@drover/shared/api/identity';
import { SignInWay as Way } from '@drover/shared/api/identity';
import type { SessionView } from '@drover/shared/api/views';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { User } from '../db/access-store.ts';
import type { SignInTicket, SignInWays } from '../db/identity-store.ts';
import { countWrongCode, unlockTotp, usePasskey, useRecoveryCode, useTicket, useTotp } from '../db/identity-writes.ts';
import { SEALED_PLACES } from '../db/sealed-places.ts';
import { hashOfSecret } from '../db/secret.ts';
import type { Statement } from '../db/statement.ts';
import { isTotpLocked } from '../identity/next-step.ts';
import { passkeyIdOf, siteOf, verifyPasskey } from '../identity/passkeys.ts';
import { hashOfRecoveryCode } from '../identity/recovery-codes.ts';
import { judgeCode } from '../identity/totp.ts';
import type { Attempts } from './attempts.ts';
import type { AppDeps } from './deps.ts';
import type { Answer } from './route.ts';
import { type Asking, beginSession, deviceOf, urlOf } from './signing-in.ts';

const Facts = z.object({ way: Way, device: z.string(), challenge: z.string().nullable() });

/** The second half of signing in. A wrong code leaves the ticket good, and is counted. */
export async function afterSecondFactor(
  deps: AppDeps,
  attempts: Attempts,
  body: GiveSecondFactor,
  asking: Asking,
): Promise<Answer<SessionView>> {
  const { identity, access } = deps.store;
  const { ticket, facts, user } = await attempts.try(asking.address, async () => {
    const found = await identity.ticket(hashOfSecret(body.ticket), deps.clock.now());
    const known = found?.purpose === 'second-factor' && found.userId !== null ? await access.user(found.userId) : null;
    if (!found || !known) throw expired();
    const stated = Facts.parse(found.facts);
    // Taken to another program, a ticket is good for nothing.
    if (stated.device !== deviceOf(asking.request)) throw expired();
    return { ticket: found, facts: stated, user: known };
  });
  const isKnownAddress = asking.address !== null && (await identity.isKnownAddress(user.id, asking.address));
  const proof = await attempts.try(
    asking.address,
    async () => proofOf(deps, body, { user, ticket, challenge: facts.challenge, request: asking.request }),
    { name: `${user.name} second factor`, isKnownAddress },
  );
  const way: SignInWay = facts.way;
  return beginSession(deps, user, { way, setupOnly: false, alongside: [...useTicket(ticket.hash), ...proof] }, asking);
}

interface Situation {
  readonly user: User;
  readonly ticket: SignInTicket;
  readonly challenge: string | null;
  readonly request: Request;
}

/** What to write so that the proof counts once; throws Problem when it is none. */
async function proofOf(deps: AppDeps, body: GiveSecondFactor, { user, challenge, request }: Situation): Promise<readonly Statement[]> {
  const nowMs = deps.clock.now();
  const ways = await deps.store.identity.ways(user.id);
  if ('recovery' in body) {
    const hash = hashOfRecoveryCode(body.recovery);
    if (!(await deps.store.identity.hasRecoveryCode(user.id, hash))) {
      throw new Problem('not-signed-in', 'this recovery code is wrong, or was used', { field: 'recovery' });
    }
    return [...useRecoveryCode(user.id, hash, nowMs), unlockTotp(user.id)];
  }
  if ('totp' in body) return codeProof(deps, ways, user, body.totp);
  const passkey = ways.passkeys.find(({ id }) => id === passkeyIdOf(body.passkey));
  if (!passkey || challenge === null) throw new Problem('not-signed-in', 'this passkey is not one of this user', { field: 'passkey' });
  const site = siteOf(urlOf(deps, request));
  const { counter, backedUp } = await verifyPasskey(site, { challenge, answer: body.passkey, isOnlyFactor: false }, passkey);
  return usePasskey(passkey.id, counter, backedUp, nowMs);
}

async function codeProof(deps: AppDeps, { totp }: SignInWays, user: User, typed: string): Promise<readonly Statement[]> {
  if (!totp || totp.confirmedAtMs === null) throw new Problem('not-signed-in', 'this user has no codes', { field: 'totp' });
  if (isTotpLocked(totp)) {
    throw new Problem('not-allowed', 'codes are locked after too many wrong ones', {
      field: 'totp',
      suggestion: 'use a recovery code, which unlocks them, or ask an owner',
    });
  }
  const seed = await deps.identity.vault.open(totp.seed, SEALED_PLACES.totpSeed.context(user.id));
  const judged = judgeCode(seed, typed, { nowMs: deps.clock.now(), lastStep: totp.lastStep });
  if (judged.verdict === 'good') return useTotp(user.id, judged.step);
  // A code of a clock that is off is as guessable as another: it counts as well.
  if (judged.verdict !== 'used') await deps.store.identity.write([countWrongCode(user.id)]);
  throw codeProblem(judged);
}

export function codeProblem(judged: Exclude<ReturnType<typeof judgeCode>, { readonly verdict: 'good' }>): Problem {
  switch (judged.verdict) {
    case 'used':
      return new Problem('not-signed-in', 'this code was used already', { field: 'totp', suggestion: 'wait for the next one' });
    case 'clock':
      return new Problem(
        'not-signed-in',
        `the clock of your phone and ours differ by about ${Math.round(Math.abs(judged.aheadS) / 60) || 1} min: yours is ${judged.aheadS > 0 ? 'ahead' : 'behind'}`,
        { field: 'totp', suggestion: 'have your phone set its time by itself, or tell an owner to look at the clock of the control plane' },
      );
    case 'wrong':
      return new Problem('not-signed-in', 'this code is wrong', { field: 'totp' });
  }
}

const expired = (): Problem =>
  new Problem('not-signed-in', 'this took too long, or began somewhere else', { suggestion: 'sign in from the beginning' });
