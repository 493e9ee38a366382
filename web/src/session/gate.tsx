import { type ReactNode, useEffect } from 'react';
import { onSignedOut } from '../api.ts';
import { lazyPart } from '../kit/lazy-part.tsx';
import { live } from '../live/use.ts';
import { ConnectingCard } from '../parts/connecting.tsx';
import { setSession, useSession } from './session.ts';

const SetupCard = lazyPart(async () => (await import('./setup-card.tsx')).SetupCard);
const SignInCard = lazyPart(async () => (await import('./sign-in-card.tsx')).SignInCard);

/** Shows the pages to somebody who is signed in, and how to sign in to everybody else; the address stays, so that a link leads where it says. */
export function AccountGate({ children }: { children: ReactNode }) {
  const session = useSession();
  const isSignedIn = session !== undefined && session !== null;

  useEffect(() => {
    if (!isSignedIn || session.setupOnly) return;
    const forget = (): void => setSession(null);
    live.open(forget);
    const stop = onSignedOut(forget);
    return () => {
      stop();
      live.close();
    };
  }, [isSignedIn, session?.setupOnly]);

  if (session === undefined) return <ConnectingCard />;
  if (session === null) return <SignInCard />;
  return session.setupOnly ? <SetupCard /> : children;
}
