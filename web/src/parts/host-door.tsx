import type { HostView } from '@drover/shared/api/views';
import { call } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { HoldButton } from '../kit/hold-button.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { live } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';

/** Cuts a host off, which is not done by a slip, and lets it in again; and the ways to be rid of it. */
export function HostDoor({ host, onReplace, onRemove }: { host: HostView; onReplace: () => void; onRemove: () => void }) {
  const isOut = host.revokedAtMs !== null;
  const turn = useWrite({
    mutationFn: async () => {
      const asked = live.host.ask();
      live.host.put(asked, await call<HostView>('POST', `/hosts/${host.id}/${isOut ? 'admit' : 'revoke'}`, { body: {} }));
    },
  });
  return (
    <div className="space-y-3 border-t border-line p-4">
      <p className="text-sm text-muted">{t(isOut ? 'host.admit.what' : 'host.revoke.what')}</p>
      {isOut ? (
        <Button className="w-full" busy={turn.isPending} onClick={() => turn.mutate()}>
          {t('host.admit')}
        </Button>
      ) : (
        <HoldButton label={t('host.revoke')} busy={turn.isPending} onHeld={() => turn.mutate()} />
      )}
      <ThrownNote error={turn.error} />
      {host.connected ? null : (
        <Button className="w-full" onClick={onReplace}>
          {t('host.replace')}
        </Button>
      )}
      <Button className="w-full" onClick={onRemove}>
        {t('host.remove')}
      </Button>
    </div>
  );
}
