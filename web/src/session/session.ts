import type { GiveSecondFactor, PasskeyChallenge, SecondFactorNeeded, SignedIn, SignIn } from '@drover/shared/api/identity';
import type { SessionView } from '@drover/shared/api/views';
import { backoff } from '@drover/shared/lib/backoff';
import { realClock } from '@drover/shared/lib/clock';
import { useEffect, useSyncExternalStore } from 'react';
import { call, problemOf, Refusal } from '../api.ts';

/** undefined: not known yet. null: nobody is signed in. */
let session: SessionView | null | undefined;
let isAsking = false;
const listeners = new Set<() => void>();

export function setSession(next: SessionView | null): void {
  session = next;
  for (const listener of listeners) listener();
}

/** Asks until there is an answer: a page that opens while Drover is down finds its way when Drover is back. */
async function askWho(): Promise<void> {
  if (isAsking || session !== undefined) return;
  isAsking = true;
  for (let attempts = 1; session === undefined; attempts += 1) {
    try {
      setSession(await call<SessionView>('GET', '/session'));
    } catch (error) {
      if (problemOf(error)?.code === 'not-signed-in') setSession(null);
      else await realClock.sleep(backoff(attempts, 0, { firstMs: 1_000, maxMs: 8_000 }));
    }
  }
  isAsking = false;
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** `isWanted` false: whoever it is now will be somebody else in a moment. */
export function useSession(isWanted = true): SessionView | null | undefined {
  useEffect(() => {
    if (isWanted) void askWho();
  }, [isWanted]);
  return useSyncExternalStore(subscribe, () => session);
}

/** The token out of a whole sign-in link, or the token itself. Null: neither. */
export function readLinkToken(text: string): string | null {
  const trimmed = text.trim();
  const inLink = /[#&]token=([^&\s]+)/.exec(trimmed)?.[1];
  const token = inLink ?? trimmed;
  return /^[A-Za-z0-9_.~-]{16,200}$/.test(token) ? token : null;
}

/** With a link, a name and password, or a passkey. Gives what is still needed; null: they are in. */
export async function signIn(proof: SignIn): Promise<SecondFactorNeeded | null> {
  return entered(await call<SignedIn>('POST', '/session', { body: proof }));
}

export async function signInByPasskey(): Promise<SecondFactorNeeded | null> {
  const { ticket, options } = await call<PasskeyChallenge>('POST', '/session/passkey', { body: {} });
  return signIn({ ticket, passkey: await askPasskey(options) });
}

export async function giveSecondFactor(proof: GiveSecondFactor): Promise<null> {
  await entered(await call<SessionView>('POST', '/session/second-factor', { body: proof }));
  return null;
}

export async function secondFactorByPasskey({ ticket, passkey }: SecondFactorNeeded): Promise<null> {
  return giveSecondFactor({ ticket, passkey: await askPasskey(passkey) });
}

function entered(answer: SignedIn): SecondFactorNeeded | null {
  if ('needs' in answer) return answer;
  setSession(answer);
  return null;
}

/** Loaded when somebody has one: a first visit does without. Sound: what an authenticator answers is an object. */
const askPasskey = async (options: unknown) => (await (await import('./passkey.ts')).askPasskey(options)) as Record<string, unknown>;

/** What this session is good for may have changed. */
export async function askAgain(): Promise<void> {
  setSession(await call<SessionView>('GET', '/session'));
}

export async function signOut(): Promise<void> {
  try {
    await call('DELETE', '/session');
  } catch (error) {
    // Already signed out: then it is done.
    if (!(error instanceof Refusal) || error.problem?.code !== 'not-signed-in') throw error;
  }
  setSession(null);
}
