import type { ReplacedHost } from '@drover/shared/api/host-views';
import type { HostView } from '@drover/shared/api/views';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api.ts';
import { CheckField, SelectField } from '../kit/field.tsx';
import { HoldButton } from '../kit/hold-button.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { Sheet } from '../kit/sheet.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import type { Query } from '../live/collection.ts';
import { live, useViews } from '../live/use.ts';
import { useRead, useWrite } from '../queries.ts';
import { t } from '../text/t.ts';

const ALL: Query = {};

/** A new host takes the place of this one. What becomes of each thing is asked of the control plane, and said first. */
export function ReplaceHostSheet({ host, onClose }: { host: HostView; onClose: () => void }) {
  const navigate = useNavigate();
  const [chosen, setChosen] = useState('');
  const [start, setStart] = useState(false);
  const free = useViews(live.host, ALL).views.filter(
    (other) => other.id !== host.id && other.connected && other.revokedAtMs === null && other.guests.total === 0,
  );
  const ask = (dryRun: boolean) => call<ReplacedHost>('POST', `/hosts/${host.id}/replace`, { body: { with: chosen, start, dryRun } });
  const plan = useRead({
    queryKey: ['replace', host.id, chosen, start],
    queryFn: () => ask(true),
    enabled: chosen !== '',
    staleTime: 0,
  });
  const replace = useWrite({
    mutationFn: () => ask(false),
    onSuccess: ({ to }) => void navigate({ to: '/hosts/$hostId', params: { hostId: to.id }, replace: true }),
  });
  return (
    <Sheet title={t('replace.title', { name: host.name })} onClose={onClose}>
      <div className="space-y-4">
        <p>{t('replace.what', { name: host.name })}</p>
        {free.length === 0 ? (
          <p className="text-muted">{t('replace.nobody')}</p>
        ) : (
          <SelectField label={t('replace.with')} value={chosen} onChange={(event) => setChosen(event.target.value)}>
            <option value="">{t('replace.choose')}</option>
            {free.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </SelectField>
        )}
        <CheckField label={t('replace.start')} checked={start} onChange={(event) => setStart(event.target.checked)} />
        {plan.data === undefined ? chosen === '' || plan.isError ? null : <Skeleton rows={2} /> : <Statement said={plan.data} />}
        <ThrownNote error={replace.error ?? plan.error} />
        {plan.data === undefined ? null : <HoldButton label={t('replace.hold')} busy={replace.isPending} onHeld={() => replace.mutate()} />}
      </div>
    </Sheet>
  );
}

function Statement({ said }: { said: ReplacedHost }) {
  const { guests, images, storages, networks, to } = said;
  const lines = [
    ...[...storages, ...networks].map(({ name, isThere }) => t(isThere ? 'replace.there' : 'replace.kept', { name, host: to.name })),
    ...images.map(({ name, becomes }) => t(`replace.image.${becomes}`, { name })),
    ...guests.map(({ name, starts, disks }) => {
      const begin = disks.map((disk) =>
        disk.image === null ? t('replace.disk.empty', { disk: disk.name }) : t('replace.disk.from', { disk: disk.name, image: disk.image }),
      );
      return t(starts ? 'replace.guest.starts' : 'replace.guest.off', { name, disks: begin.join(', ') });
    }),
  ];
  return (
    <div className="space-y-2">
      <ul className="list-disc space-y-1 pl-5 text-sm">
        {lines.map((line) => (
          <li key={line} className="break-words">
            {line}
          </li>
        ))}
      </ul>
      <p className="text-sm text-muted">{t(guests.length === 0 ? 'replace.no-guests' : 'replace.disks')}</p>
    </div>
  );
}
