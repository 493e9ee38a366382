import { useState } from 'react';
import { problemOf } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { CommandLine } from '../kit/copy.tsx';
import { TextField } from '../kit/field.tsx';
import { ProblemNote } from '../kit/problem.tsx';
import { Card } from '../parts/card.tsx';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { readLinkToken, signIn } from './session.ts';

/** How to get in. `refused` is what became of the link that led here. */
export function SignInCard({ refused = null }: { refused?: unknown }) {
  const [link, setLink] = useState('');
  const [isUnreadable, setUnreadable] = useState(false);
  const attempt = useWrite({ mutationFn: (token: string) => signIn(token) });
  const error = attempt.error ?? refused;

  return (
    <Card title={t('sign-in.title')}>
      {error === null ? null : <LinkRefused error={error} />}
      <p>{t('sign-in.how')}</p>
      <CommandLine line="npx drover sign-in-link" label={t('sign-in.command')} />
      <form
        className="space-y-3"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          const token = readLinkToken(link);
          setUnreadable(token === null);
          if (token !== null) attempt.mutate(token);
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
        <Button type="submit" look="primary" className="w-full" busy={attempt.isPending}>
          {t('sign-in.go')}
        </Button>
      </form>
    </Card>
  );
}

function LinkRefused({ error }: { error: unknown }) {
  const problem = problemOf(error);
  const isSpent = problem !== null && (problem.code === 'gone' || problem.code === 'not-signed-in' || problem.code === 'not-found');
  return <ProblemNote problem={isSpent ? { detail: t('sign-in.spent'), suggestion: t('sign-in.spent.hint') } : problem} />;
}
