import type { AccountView } from '@drover/shared/api/identity';
import { call } from '../api.ts';
import { ProblemNote, ThrownNote } from '../kit/problem.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import { AccountCodes } from '../parts/account-codes.tsx';
import { AccountPasskeys } from '../parts/account-passkeys.tsx';
import { AccountPassword } from '../parts/account-password.tsx';
import { AccountSessions } from '../parts/account-sessions.tsx';
import { PageHeader } from '../parts/page-header.tsx';
import { useRead } from '../queries.ts';
import { t } from '../text/t.ts';

/** How somebody signs in, and where they are signed in. */
export function AccountPage() {
  const account = useRead({ queryKey: ['account'], queryFn: () => call<AccountView>('GET', '/account'), staleTime: 0 });
  const mine = account.data;
  return (
    <>
      <PageHeader title={t('account')} />
      <ThrownNote error={account.error} />
      {mine?.setupOnly ? <ProblemNote problem={{ detail: t('account.setup'), suggestion: t('account.setup.hint') }} /> : null}
      {mine === undefined ? (
        account.isError ? null : (
          <Skeleton rows={4} />
        )
      ) : (
        <div className="grid items-start gap-4 md:grid-cols-2">
          <AccountPasskeys account={mine} />
          <AccountPassword account={mine} />
          <AccountCodes account={mine} />
          <AccountSessions />
        </div>
      )}
    </>
  );
}
