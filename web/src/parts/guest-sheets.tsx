import type { GuestView } from '@drover/shared/api/views';
import { type ReactNode, useState } from 'react';
import { call, queryOf } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { TextField } from '../kit/field.tsx';
import { HoldButton } from '../kit/hold-button.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { Sheet } from '../kit/sheet.tsx';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { type Accepted, sendGuest } from './guest-actions.ts';
import { usePower } from './use-power.ts';

interface SheetProps {
  readonly guest: GuestView;
  readonly onClose: () => void;
}

const sayWho = (guest: GuestView): string => t('guest.who', { name: guest.name, id: guest.id, host: guest.host.name });

/** Disturbs whoever uses the guest, but harms nothing: one tap, with the guest's name in sight. */
export function DisruptiveSheet({ guest, action, onClose }: SheetProps & { action: 'shutdown' | 'reboot' }) {
  const power = usePower(guest.id);
  const words =
    action === 'shutdown'
      ? (['shutdown.title', 'shutdown.what', 'shutdown.go'] as const)
      : (['reboot.title', 'reboot.what', 'reboot.go'] as const);
  return (
    <Sheet title={t(words[0], { name: guest.name })} onClose={onClose}>
      <div className="space-y-4">
        <p className="text-muted">{sayWho(guest)}</p>
        <p>{t(words[1])}</p>
        <ThrownNote error={power.error} />
        <Button look="primary" className="w-full" busy={power.isPending} onClick={() => power.mutate(action, { onSuccess: onClose })}>
          {t(words[2])}
        </Button>
      </div>
    </Sheet>
  );
}

/** Loses something for good: held for a moment, or the name typed. */
function DestructiveSheet({
  guest,
  title,
  hold,
  go,
  busy,
  error,
  onGo,
  onClose,
  children,
}: SheetProps & { title: string; hold: string; go: string; busy: boolean; error: unknown; onGo: () => void; children: ReactNode }) {
  const [typed, setTyped] = useState('');
  return (
    <Sheet title={title} onClose={onClose}>
      <div className="space-y-4">
        <p className="text-muted">{sayWho(guest)}</p>
        {children}
        <ThrownNote error={error} />
        <HoldButton label={hold} busy={busy} onHeld={onGo} />
        <form
          className="space-y-3 border-t border-line pt-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (typed === guest.name) onGo();
          }}
        >
          <TextField label={t('destroy.type', { name: guest.name })} value={typed} onChange={(event) => setTyped(event.target.value)} />
          <Button type="submit" look="danger" className="w-full" busy={busy} disabled={typed !== guest.name}>
            {go}
          </Button>
        </form>
      </div>
    </Sheet>
  );
}

export function StopSheet({ guest, onClose }: SheetProps) {
  const power = usePower(guest.id);
  return (
    <DestructiveSheet
      guest={guest}
      title={t('stop.title', { name: guest.name })}
      hold={t('stop.hold')}
      go={t('stop.go')}
      busy={power.isPending}
      error={power.error}
      onGo={() => power.mutate('stop', { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>{t('stop.what')}</p>
    </DestructiveSheet>
  );
}

export function DeleteSheet({ guest, onClose, onDeleted }: SheetProps & { onDeleted: () => void }) {
  const mayRun = guest.observedPower !== 'stopped';
  const remove = useWrite({
    mutationFn: () => sendGuest(() => call<Accepted>('DELETE', `/guests/${guest.id}${queryOf({ force: mayRun ? 'true' : undefined })}`)),
    onSuccess: onDeleted,
  });
  return (
    <DestructiveSheet
      guest={guest}
      title={t('delete.title', { name: guest.name })}
      hold={t('delete.hold')}
      go={t('delete.go')}
      busy={remove.isPending}
      error={remove.error}
      onGo={() => remove.mutate()}
      onClose={onClose}
    >
      <p>{t('delete.what', { count: guest.disks.length })}</p>
      {mayRun ? <p className="font-semibold">{t(guest.observedPower === 'running' ? 'delete.running' : 'delete.may-run')}</p> : null}
    </DestructiveSheet>
  );
}
