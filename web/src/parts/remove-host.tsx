import type { HostView } from '@drover/shared/api/views';
import { Link, useNavigate } from '@tanstack/react-router';
import { call } from '../api.ts';
import { CommandLine } from '../kit/copy.tsx';
import { HoldButton } from '../kit/hold-button.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { Sheet } from '../kit/sheet.tsx';
import { live, useViews } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';

const NAMED_MAX = 10;

/** Says what becomes of its guests before anything is done. */
export function RemoveHostSheet({ host, onClose }: { host: HostView; onClose: () => void }) {
  const navigate = useNavigate();
  const { views: running } = useViews(live.guest, { host: host.name, state: 'running' });
  const remove = useWrite({
    mutationFn: () => call('DELETE', `/hosts/${host.id}`),
    onSuccess: () => void navigate({ to: '/hosts', replace: true }),
  });
  const named = running.slice(0, NAMED_MAX).map(({ name }) => name);
  const rest = running.length - named.length;
  return (
    <Sheet title={t('host.remove.title', { name: host.name })} onClose={onClose}>
      <div className="space-y-4">
        <p>{t('host.remove.what')}</p>
        {host.guests.total === 0 ? (
          <p>{t('host.remove.no-guests')}</p>
        ) : (
          <>
            <p>{t('host.remove.guests', { count: host.guests.total })}</p>
            {running.length === 0 ? null : (
              <>
                <p>
                  {t('host.remove.running', {
                    names: rest > 0 ? t('host.remove.names', { names: named.join(', '), rest }) : named.join(', '),
                  })}
                </p>
                <Link to="/guests" search={{ host: host.name }} className="button w-full">
                  {t('host.remove.see')}
                </Link>
              </>
            )}
          </>
        )}
        <p>{t('host.remove.machine')}</p>
        <CommandLine line="sudo apt purge drover-agent" label={t('host.remove.line')} />
        <ThrownNote error={remove.error} />
        <HoldButton label={t('host.remove.hold')} busy={remove.isPending} onHeld={() => remove.mutate()} />
      </div>
    </Sheet>
  );
}
