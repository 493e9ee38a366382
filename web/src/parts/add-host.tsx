import type { EnrolmentView, HostView } from '@drover/shared/api/views';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { call, fieldDetail, problemOf } from '../api.ts';
import { clockTime, duration } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { CommandLine, CopyButton } from '../kit/copy.tsx';
import { TextField } from '../kit/field.tsx';
import { Glyph } from '../kit/glyph.tsx';
import { lazyPart } from '../kit/lazy-part.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { Segments } from '../kit/segments.tsx';
import { Sheet } from '../kit/sheet.tsx';
import { live, useNow, useOne } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { tokensChanged, useTokens } from './host-tokens.tsx';

const QrCode = lazyPart(async () => (await import('../kit/qr-code.tsx')).QrCode);

/** A one-time line for the new host, and the host itself as soon as it says hello. */
export function AddHostSheet({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const make = useWrite({
    mutationFn: () => call<EnrolmentView>('POST', '/hosts/enrolments', { body: name.trim() === '' ? {} : { name: name.trim() } }),
    onSettled: tokensChanged,
  });
  const problem = problemOf(make.error);
  const isOfName = problem?.field === 'name';
  return (
    <Sheet title={t('hosts.add')} onClose={onClose}>
      {make.data === undefined ? (
        <form
          className="space-y-4"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            make.mutate();
          }}
        >
          <p>{t('enrol.what')}</p>
          <TextField
            label={t('column.name')}
            hint={t('enrol.name')}
            value={name}
            error={isOfName ? fieldDetail(problem) : undefined}
            onChange={(event) => setName(event.target.value)}
          />
          {isOfName ? null : <ThrownNote error={make.error} />}
          <Button type="submit" look="primary" className="w-full" busy={make.isPending}>
            {t('enrol.make')}
          </Button>
        </form>
      ) : (
        <Made enrolment={make.data} />
      )}
    </Sheet>
  );
}

function Made({ enrolment }: { enrolment: EnrolmentView }) {
  const [way, setWay] = useState<'line' | 'cloud-init'>('line');
  // What a token was used for is told by no event of its own: it is asked again after each change of a host.
  useEffect(() => live.onHostChange(() => void tokensChanged()), []);
  const hostId = useTokens().find(({ id }) => id === enrolment.id)?.usedByHostId ?? null;
  const { view: host } = useOne(live.host, hostId);
  return (
    <div className="space-y-4">
      {host !== null ? null : (
        <>
          <Segments
            name="way"
            label={t('enrol.way')}
            choices={[
              { value: 'line', label: t('enrol.by-line') },
              { value: 'cloud-init', label: t('enrol.by-cloud-init') },
            ]}
            value={way}
            onChange={setWay}
          />
          {way === 'line' ? <ByLine line={enrolment.command} /> : <ByCloudInit text={enrolment.cloudInit} />}
        </>
      )}
      <Waiting expiresAtMs={enrolment.expiresAtMs} host={host} />
    </div>
  );
}

function ByLine({ line }: { line: string }) {
  return (
    <>
      <p className="font-semibold">{t('enrol.type')}</p>
      <CommandLine line={line} label={t('enrol.line')} />
      <p className="text-sm text-muted">{t('enrol.line.more')}</p>
      <QrCode text={line} label={t('enrol.qr')} />
    </>
  );
}

function ByCloudInit({ text }: { text: string }) {
  return (
    <>
      <div className="flex items-center justify-between gap-2">
        <p className="font-semibold">{t('enrol.cloud-init')}</p>
        <CopyButton text={text} label={t('enrol.cloud-init.copy')} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0} className="overflow-x-auto rounded-sm border border-line bg-sunken p-3 font-mono text-[13px]">
        {text}
      </pre>
    </>
  );
}

function Waiting({ expiresAtMs, host }: { expiresAtMs: number; host: HostView | null }) {
  const now = useNow(1_000);
  if (host === null) {
    const isSpent = now >= expiresAtMs;
    return (
      <p role="status" className="flex items-center gap-3 text-muted">
        <Glyph tone={isSpent ? 'bad' : 'busy'} />
        {isSpent ? t('enrol.spent') : t('enrol.waiting', { duration: duration(expiresAtMs - now), time: clockTime(expiresAtMs, now) })}
      </p>
    );
  }
  return (
    <div className="space-y-3">
      <p role="status" className={`flex items-center gap-3 font-semibold ${host.connected ? 'text-ok' : ''}`}>
        <Glyph tone={host.connected ? 'ok' : 'busy'} />
        {t(host.connected ? 'enrol.joined' : 'enrol.connects', { name: host.name })}
      </p>
      <p className="text-sm text-muted">{t('enrol.fingerprint', { fingerprint: host.fingerprint })}</p>
      <Link to="/hosts/$hostId" params={{ hostId: host.id }} className="button w-full" data-look="primary">
        {t('enrol.open', { name: host.name })}
      </Link>
    </div>
  );
}
