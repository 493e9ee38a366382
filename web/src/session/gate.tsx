import { type ReactNode, useEffect } from 'react';
import { onSignedOut } from '../api.ts';
import { lazyPart } from '../kit/lazy-part.tsx';
import { live } from '../live/use.ts';
import { ConnectingCard } from '../parts/connecting.tsx';
import { setSession, useSession } from './session.ts';

const SignInCard = lazyPart(async () => (await import('./sign-in-card.tsx')).SignInCard);

/** Shows the pages to somebody who is signed in, and how to sign in to everybody else; the address stays, so that a link leads where it says. */
export function AccountGate({ children }: { children: ReactNode }) {
  const session = useSession();
  const isSignedIn = session !== undefined && session !== null;

  useEffect(() => {
    if (!isSignedIn) return;
    const forget = (): void => setSession(null);
    live.open(forget);
    const stop = onSignedOut(forget);
    return () => {
      stop();
      live.close();
    };
  }, [isSignedIn]);

  if (session === undefined) return <ConnectingCard />;
  return session === null ? <SignInCard /> : children;
}
