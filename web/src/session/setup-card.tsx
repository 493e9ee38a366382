import type { AccountView } from '@drover/shared/api/identity';
import { useEffect } from 'react';
import { call } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { ProblemNote, ThrownNote } from '../kit/problem.tsx';
import { AccountCodes } from '../parts/account-codes.tsx';
import { AccountPasskeys } from '../parts/account-passkeys.tsx';
import { Card } from '../parts/card.tsx';
import { useRead, useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { askAgain, signOut } from './session.ts';

/** For who is let in to set a second factor up, and for nothing else. */
export function SetupCard() {
  const { data, error } = useRead({ queryKey: ['account'], queryFn: () => call<AccountView>('GET', '/account'), staleTime: 0 });
  const leave = useWrite({ mutationFn: signOut });
  const isReady = data !== undefined && !data.setupOnly;
  // Recovery codes are shown once: they go on when they have kept them.
  const goOn = useWrite({ mutationFn: askAgain });
  useEffect(() => {
    document.title = t('account');
  }, []);
  return (
    <Card title={t('account')}>
      {isReady ? null : <ProblemNote problem={{ detail: t('account.setup'), suggestion: t('account.setup.hint') }} />}
      <ThrownNote error={error ?? leave.error ?? goOn.error} />
      {data === undefined ? null : (
        <>
          <AccountPasskeys account={data} />
          <AccountCodes account={data} />
        </>
      )}
      {isReady ? (
        <Button look="primary" className="w-full" busy={goOn.isPending} onClick={() => goOn.mutate()}>
          {t('sign-in.continue')}
        </Button>
      ) : null}
      <Button look="quiet" className="w-full" busy={leave.isPending} onClick={() => leave.mutate()}>
        {t('account.sign-out')}
      </Button>
    </Card>
  );
}
