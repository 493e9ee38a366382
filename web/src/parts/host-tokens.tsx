import type { EnrolmentTokenView } from '@drover/shared/api/views';
import { call } from '../api.ts';
import { duration } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { useNow } from '../live/use.ts';
import { queries, useRead, useWrite } from '../queries.ts';
import { t } from '../text/t.ts';

const KEY = ['enrolments'];
const NONE: readonly EnrolmentTokenView[] = [];
export const tokensChanged = (): Promise<void> => queries.invalidateQueries({ queryKey: KEY });

export function useTokens(): readonly EnrolmentTokenView[] {
  const { data } = useRead({
    queryKey: KEY,
    queryFn: () => call<{ items: readonly EnrolmentTokenView[] }>('GET', '/hosts/enrolments'),
    staleTime: 0,
  });
  return data?.items ?? NONE;
}

/** The one-time tokens by which somebody could still come in; nothing when there are none. */
export function HostTokens() {
  const now = useNow(10_000);
  const tokens = useTokens();
  const open = tokens.filter((token) => token.state === 'open' && now < token.expiresAtMs);
  const takeBack = useWrite<unknown, string>({
    mutationFn: (id) => call('DELETE', `/hosts/enrolments/${id}`),
    onSettled: tokensChanged,
  });
  if (open.length === 0) return null;
  return (
    <section className="card mt-4 min-w-0 overflow-hidden">
      <h2 className="flex min-h-12 items-center px-4 font-semibold">{t('tokens.title')}</h2>
      <ul>
        {open.map((token) => (
          <li key={token.id} className="flex flex-wrap items-center gap-3 border-t border-line px-4 py-2">
            <span className="min-w-0 flex-1">
              <span className="font-mono text-[13px]">{token.id}</span>{' '}
              <span className="text-sm text-muted">
                {t('tokens.of', { name: token.createdBy, duration: duration(token.expiresAtMs - now) })}
              </span>
            </span>
            <Button busy={takeBack.isPending} onClick={() => takeBack.mutate(token.id)}>
              {t('tokens.take-back')}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
