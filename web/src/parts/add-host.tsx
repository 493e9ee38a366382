import type { EnrolmentView, HostView } from '@drover/shared/api/views';
import { Link } from '@tanstack/react-router';
import { call } from '../api.ts';
import { duration } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { CommandLine } from '../kit/copy.tsx';
import { Glyph } from '../kit/glyph.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { Sheet } from '../kit/sheet.tsx';
import type { Query } from '../live/collection.ts';
import { live, useNow, useViews } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { tokensChanged } from './host-tokens.tsx';

const ALL: Query = {};

/** A one-time line for the new host, and the host itself as soon as it says hello. */
export function AddHostSheet({ onClose }: { onClose: () => void }) {
  const { views: hosts } = useViews(live.host, ALL);
  const make = useWrite({
    mutationFn: async () => ({
      known: new Set(hosts.map((host) => host.id)),
      enrolment: await call<EnrolmentView>('POST', '/hosts/enrolments', { body: {} }),
    }),
    onSettled: tokensChanged,
  });
  const joined = make.data === undefined ? [] : hosts.filter((host) => !make.data.known.has(host.id));
  return (
    <Sheet title={t('hosts.add')} onClose={onClose}>
      <div className="space-y-4">
        <p>{t('enrol.what')}</p>
        <ThrownNote error={make.error} />
        {make.data === undefined ? (
          <Button look="primary" className="w-full" busy={make.isPending} onClick={() => make.mutate()}>
            {t('enrol.make')}
          </Button>
        ) : (
          <>
            <p className="font-semibold">{t('enrol.type')}</p>
            <CommandLine line={make.data.enrolment.command} label={t('enrol.line')} />
            <Waiting expiresAtMs={make.data.enrolment.expiresAtMs} joined={joined} />
          </>
        )}
      </div>
    </Sheet>
  );
}

function Waiting({ expiresAtMs, joined }: { expiresAtMs: number; joined: readonly HostView[] }) {
  const now = useNow(1_000);
  const isSpent = now >= expiresAtMs && joined.length === 0;
  return (
    <div role="status" className="space-y-3">
      {joined.map((host) => (
        <div key={host.id} className="space-y-3">
          <p className="flex items-center gap-3 font-semibold">
            <Glyph tone="ok" />
            {t('enrol.joined', { name: host.name })}
          </p>
          <p className="text-sm text-muted">{t('enrol.fingerprint', { fingerprint: host.fingerprint })}</p>
          <Link to="/hosts/$hostId" params={{ hostId: host.id }} className="button w-full" data-look="primary">
            {t('enrol.open', { name: host.name })}
          </Link>
        </div>
      ))}
      {joined.length > 0 ? null : (
        <p className="flex items-center gap-3 text-muted">
          <Glyph tone={isSpent ? 'bad' : 'busy'} />
          {isSpent ? t('enrol.spent') : t('enrol.waiting', { duration: duration(expiresAtMs - now) })}
        </p>
      )}
    </div>
  );
}
