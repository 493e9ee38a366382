import type { BegunView } from '@drover/shared/api/upgrades';
import type { HostView } from '@drover/shared/api/views';
import { call } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { HoldButton } from '../kit/hold-button.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { Sheet } from '../kit/sheet.tsx';
import { live, useViews } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { watchTask } from './notices.tsx';

/** The page says how it ends, wherever the person is by then. */
async function begin(path: string, body: object): Promise<void> {
  const asked = live.task.ask();
  const { task } = await call<BegunView>('POST', path, { body });
  live.task.put(asked, task);
  watchTask(task);
}

/** For all of them: one comes first, then a tenth, then the rest. */
export function AgentsBehind({ hosts }: { hosts: readonly HostView[] }) {
  const upgrade = useWrite({ mutationFn: () => begin('/upgrades', { all: true }) });
  const behind = hosts.filter((host) => host.upgrade?.state === 'available').length;
  if (behind === 0) return null;
  return (
    <section className="card mb-4 space-y-3 p-4">
      <p>{t('hosts.behind', { count: behind })}</p>
      <p className="text-sm text-muted">{t('hosts.behind.what')}</p>
      <ThrownNote error={upgrade.error} />
      <Button busy={upgrade.isPending} onClick={() => upgrade.mutate()}>
        {t('hosts.behind.upgrade')}
      </Button>
    </section>
  );
}

export type HostPower = 'reboot' | 'shutdown';

/** What is done to the host itself: its agent's upgrade, a reboot, switching it off. */
export function HostUpkeep({ host, onPower }: { host: HostView; onPower: (action: HostPower) => void }) {
  const upgrade = useWrite({ mutationFn: () => begin('/upgrades', { hosts: [host.id] }) });
  const state = host.upgrade?.state;
  return (
    <div className="space-y-3 border-t border-line p-4">
      {state === undefined || state === 'away' ? null : (
        <p className="text-sm text-muted">
          {state === 'current' ? t('host.upgrade.current') : (host.upgrade?.reason ?? t('host.upgrade.what'))}
        </p>
      )}
      {state === 'available' ? (
        <Button className="w-full" busy={upgrade.isPending} onClick={() => upgrade.mutate()}>
          {t('host.upgrade')}
        </Button>
      ) : null}
      <ThrownNote error={upgrade.error} />
      <div className="grid grid-cols-2 gap-3">
        <Button disabled={!host.connected} onClick={() => onPower('reboot')}>
          {t('host.reboot')}
        </Button>
        <Button disabled={!host.connected} onClick={() => onPower('shutdown')}>
          {t('host.shutdown')}
        </Button>
      </div>
      {host.connected ? null : <p className="text-sm text-muted">{t('host.power.away')}</p>}
    </div>
  );
}

const NAMED_MAX = 10;

/** Says which guests it ends, and which of them come back, before anything is done. */
export function HostPowerSheet({ host, action, onClose }: { host: HostView; action: HostPower; onClose: () => void }) {
  const { views: running } = useViews(live.guest, { host: host.name, state: 'running' });
  const power = useWrite({
    mutationFn: () => begin(`/hosts/${host.id}/power`, { action }),
    onSuccess: onClose,
  });
  const [back, not] = [running.filter(({ startAtBoot }) => startAtBoot), running.filter(({ startAtBoot }) => !startAtBoot)];
  const names = (guests: typeof running) => {
    const rest = guests.length - NAMED_MAX;
    const named = guests
      .slice(0, NAMED_MAX)
      .map(({ name }) => name)
      .join(', ');
    return rest > 0 ? t('host.remove.names', { names: named, rest }) : named;
  };
  return (
    <Sheet title={t(action === 'reboot' ? 'host.reboot.title' : 'host.shutdown.title', { name: host.name })} onClose={onClose}>
      <div className="space-y-4">
        {running.length === 0 ? <p>{t('host.power.no-guests')}</p> : <p>{t('host.power.what')}</p>}
        {back.length === 0 ? null : <p>{t(action === 'reboot' ? 'host.power.back' : 'host.power.back-later', { names: names(back) })}</p>}
        {not.length === 0 ? null : <p>{t('host.power.not-back', { names: names(not) })}</p>}
        {action === 'shutdown' ? <p>{t('host.shutdown.what')}</p> : null}
        <ThrownNote error={power.error} />
        <HoldButton
          label={t(action === 'reboot' ? 'host.reboot.hold' : 'host.shutdown.hold')}
          busy={power.isPending}
          onHeld={() => power.mutate()}
        />
      </div>
    </Sheet>
  );
}
