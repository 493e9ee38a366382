import type { SecondFactor, SecondFactorNeeded } from '@drover/shared/api/identity';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { Refusal } from '../api.ts';
import { Card } from '../parts/card.tsx';
import { readLinkToken, signIn, useSession } from '../session/session.ts';
import { SignInCard } from '../session/sign-in-card.tsx';
import { t } from '../text/t.ts';

/** Links that were sent already: each works once, and effects may run twice. */
const sent = new Set<string>();

/** Where the printed link leads. Its token stands behind the #, which browsers keep to themselves, and leaves the address at once. */
export function SignInPage() {
  const navigate = useNavigate();
  // Read from the address each time: a second link opened in the same tab changes nothing else of it.
  const hash = useLocation({ select: (location) => location.hash });
  const token = hash === '' ? null : readLinkToken(`#${hash}`);
  const session = useSession(token === null);
  const [isSending, setSending] = useState(false);
  const [refused, setRefused] = useState<unknown>(() => refusalIn(hash));
  const [needed, setNeeded] = useState<SecondFactorNeeded | null>(() => neededIn(hash));

  useEffect(() => {
    if (token === null || sent.has(token)) return;
    sent.add(token);
    setSending(true);
    setRefused(null);
    signIn({ token })
      .then((needs) => (needs === null ? navigate({ to: '/guests', replace: true }) : setNeeded(needs)))
      .catch((error: unknown) => {
        setRefused(error);
        void navigate({ to: '/sign-in', hash: '', replace: true });
      })
      .finally(() => setSending(false));
  }, [token, navigate]);

  // Signed in by the form below, or already: they are where they wanted to be.
  const isIn = session !== undefined && session !== null && token === null && !isSending;
  useEffect(() => {
    if (isIn) void navigate({ to: '/guests', replace: true });
  }, [isIn, navigate]);

  if (isSending || (token !== null && refused === null && needed === null)) {
    return (
      <Card title={t('sign-in.title')}>
        <p role="status">{t('sign-in.going')}</p>
      </Card>
    );
  }
  return <SignInCard refused={refused} needed={needed} />;
}

/** What a provider that somebody came back from leaves behind the #: why they are not in. */
function refusalIn(hash: string): Refusal | null {
  const words = new URLSearchParams(hash);
  const detail = words.get('problem');
  if (detail === null) return null;
  const suggestion = words.get('suggestion');
  const problem = { code: 'not-allowed', status: 403, title: '', retryable: false, detail } as const;
  return new Refusal({ ...problem, ...(suggestion === null ? {} : { suggestion }) }, detail);
}

/** Or what is still needed of them. */
function neededIn(hash: string): SecondFactorNeeded | null {
  const words = new URLSearchParams(hash);
  const [ticket, needs] = [words.get('ticket'), words.get('needs')];
  if (ticket === null || needs === null) return null;
  const known: readonly SecondFactor[] = ['totp', 'passkey', 'recovery'];
  return { ticket, needs: known.filter((way) => needs.split(' ').includes(way)), expiresAtMs: 0, passkey: null };
}
