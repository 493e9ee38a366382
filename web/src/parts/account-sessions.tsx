import type { SignInSessionView } from '@drover/shared/api/identity';
import { call } from '../api.ts';
import { ago } from '../format.ts';
import { Button, IconButton } from '../kit/button.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { useNow } from '../live/use.ts';
import { queries, useRead, useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { AccountCard } from './account-card.tsx';

const KEY = ['sessions'];
const changed = (): Promise<void> => queries.invalidateQueries({ queryKey: KEY });

/** Where this person is signed in; each can be ended from here. */
export function AccountSessions() {
  const now = useNow(30_000);
  const sessions = useRead({
    queryKey: KEY,
    queryFn: () => call<{ items: readonly SignInSessionView[] }>('GET', '/sessions'),
    staleTime: 0,
  });
  const end = useWrite<unknown, string>({ mutationFn: (id) => call('DELETE', `/sessions/${id}`), onSuccess: changed });
  const endOthers = useWrite({ mutationFn: () => call('POST', '/sessions/end-others', { body: {} }), onSuccess: changed });
  const items = sessions.data?.items ?? [];
  return (
    <AccountCard title={t('account.sessions')}>
      <ThrownNote error={sessions.error ?? end.error ?? endOthers.error} />
      <ul>
        {items.map(({ id, device, address, way, createdAtMs, current }) => (
          <li key={id} className="flex min-h-11 items-center gap-2 py-1">
            <span className="min-w-0 flex-1">
              <span className="block truncate">
                {device ?? t('somewhere')}
                {current ? ` (${t('account.session.this')})` : ''}
              </span>
              <span className="block text-sm text-muted">
                {t('account.session.began', { way: way === null ? '' : t(`way.${way}`), when: ago(createdAtMs, now) })}
                {address === null ? '' : `, ${address}`}
              </span>
            </span>
            {current ? null : (
              <IconButton
                icon="close"
                label={t('account.session.end', { device: device ?? t('somewhere') })}
                onClick={() => end.mutate(id)}
              />
            )}
          </li>
        ))}
      </ul>
      {items.length > 1 ? (
        <Button busy={endOthers.isPending} onClick={() => endOthers.mutate()}>
          {t('account.session.end-others')}
        </Button>
      ) : null}
    </AccountCard>
  );
}
