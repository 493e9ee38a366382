import type { SignInWaysView } from '@drover/shared/api/directories';
import type { SecondFactorNeeded, SignIn } from '@drover/shared/api/identity';
import { useState } from 'react';
import type { z } from 'zod';
import { call, problemOf } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { CommandLine } from '../kit/copy.tsx';
import { TextField } from '../kit/field.tsx';
import { Form } from '../kit/form.tsx';
import { ProblemNote } from '../kit/problem.tsx';
import { Card } from '../parts/card.tsx';
import { useRead, useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { SecondFactorForm } from './second-factor-form.tsx';
import { readLinkToken, signIn, signInByPasskey } from './session.ts';

type Ways = z.infer<typeof SignInWaysView>;
type Attempt = { readonly by: 'passkey' } | { readonly by: 'proof'; readonly proof: SignIn };

/** How to get in. `refused` is what became of the link that led here; `needed`, what it still takes. */
export function SignInCard({ refused = null, needed = null }: { refused?: unknown; needed?: SecondFactorNeeded | null }) {
  const [step, setStep] = useState(needed);
  const ways = useRead({ queryKey: ['sign-in-ways'], queryFn: () => call<Ways>('GET', '/sign-in-ways') });
  const attempt = useWrite<SecondFactorNeeded | null, Attempt>({
    mutationFn: (asked) => (asked.by === 'passkey' ? signInByPasskey() : signIn(asked.proof)),
    onSuccess: setStep,
  });
  const error = attempt.error ?? refused;
  const wanted = needed ?? step;

  if (wanted !== null) {
    return (
      <Card title={t('sign-in.second')}>
        <SecondFactorForm needed={wanted} onAgain={() => setStep(null)} />
      </Card>
    );
  }
  return (
    <Card title={t('sign-in.title')}>
      {error === null ? null : <Refused error={error} isLink={attempt.variables === undefined || isLink(attempt.variables)} />}
      <PasswordForm busy={attempt.isPending} onProof={(proof) => attempt.mutate({ by: 'proof', proof })} />
      {ways.data?.passkeys && 'PublicKeyCredential' in window ? (
        <Button className="w-full" busy={attempt.isPending} onClick={() => attempt.mutate({ by: 'passkey' })}>
          {t('sign-in.passkey')}
        </Button>
      ) : null}
      {ways.data?.directories
        .filter(({ kind }) => kind === 'oidc')
        .map(({ name }) => (
          <a key={name} className="button w-full" data-look="plain" href={`/api/v1/sign-in/${name}?to=${encodeURIComponent(here())}`}>
            {t('sign-in.by', { name })}
          </a>
        ))}
      <LinkForm busy={attempt.isPending} onToken={(token) => attempt.mutate({ by: 'proof', proof: { token } })} />
    </Card>
  );
}

const isLink = (attempt: Attempt): boolean => attempt.by === 'proof' && 'token' in attempt.proof;
/** Where they wanted to go: the sign-in page itself leads on to the guests. */
const here = (): string => (location.pathname === '/sign-in' ? '/guests' : location.pathname + location.search);

function PasswordForm({ busy, onProof }: { busy: boolean; onProof: (proof: SignIn) => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  return (
    <Form
      onSend={() => {
        if (name !== '' && password !== '') onProof({ name: name.trim(), password });
      }}
    >
      <TextField
        label={t('sign-in.name')}
        name="username"
        autoComplete="username webauthn"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <TextField
        label={t('sign-in.password')}
        name="password"
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button type="submit" look="primary" className="w-full" busy={busy}>
        {t('sign-in.go')}
      </Button>
    </Form>
  );
}

function LinkForm({ busy, onToken }: { busy: boolean; onToken: (token: string) => void }) {
  const [link, setLink] = useState('');
  const [isUnreadable, setUnreadable] = useState(false);
  return (
    <section className="space-y-3 border-t border-line pt-4" aria-label={t('sign-in.link')}>
      <h2 className="font-semibold">{t('sign-in.link')}</h2>
      <p>{t('sign-in.how')}</p>
      <CommandLine line="npx drover sign-in-link" label={t('sign-in.command')} />
      <Form
        onSend={() => {
          const token = readLinkToken(link);
          setUnreadable(token === null);
          if (token !== null) onToken(token);
        }}
      >
        <TextField
          label={t('sign-in.paste')}
          name="link"
          value={link}
          onChange={(event) => setLink(event.target.value)}
          error={isUnreadable ? t('sign-in.unreadable') : undefined}
          inputMode="url"
        />
        <Button type="submit" className="w-full" busy={busy}>
          {t('sign-in.link.go')}
        </Button>
      </Form>
    </section>
  );
}

function Refused({ error, isLink: byLink }: { error: unknown; isLink: boolean }) {
  const problem = problemOf(error);
  const isSpent =
    byLink && problem !== null && (problem.code === 'gone' || problem.code === 'not-signed-in' || problem.code === 'not-found');
  return <ProblemNote problem={isSpent ? { detail: t('sign-in.spent'), suggestion: t('sign-in.spent.hint') } : problem} />;
}
