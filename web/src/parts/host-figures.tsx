import { FIGURES_FRESH_MS } from '@drover/shared/api/figures-age';
import type { HostView } from '@drover/shared/api/views';
import type { HostFigures } from '@drover/shared/model/figures';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ago, bytes, duration, number, percent } from '../format.ts';
import { Meter } from '../kit/progress.tsx';
import { useFigures, useNow } from '../live/use.ts';
import { t } from '../text/t.ts';
import { Facts } from './facts.tsx';

const GUESTS_SHOWN = 5;

/** How the host is doing now. What is not known is not there; what is old is dimmed and says its age. */
export function HostFiguresCard({ host }: { host: HostView }) {
  const now = useNow(5_000);
  const told = useFigures(host.id);
  const { measuredAtMs = null } = told ?? {};
  const figures = told?.view.figures ?? null;
  if (figures === null || measuredAtMs === null) {
    return <p className="border-t border-line p-4 text-muted">{t(host.connected ? 'figures.waiting' : 'figures.none')}</p>;
  }
  const isOld = !host.connected || now - measuredAtMs > FIGURES_FRESH_MS;
  const busiest = [...(told?.view.guests ?? [])].sort((a, b) => (b.cpu ?? 0) - (a.cpu ?? 0)).slice(0, GUESTS_SHOWN);
  return (
    <div data-stale={isOld}>
      <p className="px-4 pb-3 text-sm text-muted">{t('figures.at', { when: ago(measuredAtMs, now) })}</p>
      <div className="space-y-4 border-t border-line p-4">
        {figures.cpu === undefined ? null : (
          <Gauge name={t('figures.cpu')} used={figures.cpu}>
            {percent(figures.cpu)}
          </Gauge>
        )}
        {figures.memory === undefined ? null : <Filled name={t('memory')} part={figures.memory} />}
        {figures.swap === undefined || figures.swap.totalBytes === 0 ? null : <Filled name={t('swap')} part={figures.swap} />}
      </div>
      <Facts facts={factsOf(figures)} />
      {busiest.length === 0 ? null : (
        <ul className="border-t border-line px-4 py-2" aria-label={t('figures.busiest')}>
          {busiest.map(({ id, cpu, memoryBytes }) => (
            <li key={id} className="flex min-h-11 items-center justify-between gap-4">
              <Link to="/guests/$guestId" params={{ guestId: String(id) }} className="link inline-flex min-h-11 items-center">
                {t('guest.numbered', { id })}
              </Link>
              <span className="text-right text-muted">{usedBy(cpu, memoryBytes)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** "0.2 cores · 300 MiB", as far as it is known. */
export const usedBy = (cpu: number | undefined, memoryBytes: number | undefined): string =>
  [cpu === undefined ? null : t('figures.cores', { cores: number(cpu) }), memoryBytes === undefined ? null : bytes(memoryBytes)]
    .filter((part) => part !== null)
    .join(' · ') || t('unknown');

export const flow = (
  rates: { readonly in: number; readonly out: number } | undefined,
  key: 'figures.disk.of' | 'figures.network.of',
): string => (rates === undefined ? t('unknown') : t(key, { in: bytes(Math.round(rates.in)), out: bytes(Math.round(rates.out)) }));

function factsOf({ uptimeS, load, pressure, disk, network }: HostFigures): [string, string][] {
  const waits = [
    pressure?.cpu === undefined ? null : t('figures.pressure.cpu', { percent: share(pressure.cpu.some) }),
    pressure?.memory === undefined ? null : t('figures.pressure.memory', { percent: share(pressure.memory.some) }),
    pressure?.io === undefined ? null : t('figures.pressure.io', { percent: share(pressure.io.some) }),
  ].filter((part) => part !== null);
  return [
    [t('figures.load'), load === undefined ? t('unknown') : load.map(number).join(' · ')],
    [t('figures.pressure'), waits.length === 0 ? t('unknown') : waits.join(' · ')],
    [t('figures.disk'), flow(disk, 'figures.disk.of')],
    [t('figures.network'), flow(network, 'figures.network.of')],
    [t('figures.up'), uptimeS === undefined ? t('unknown') : duration(uptimeS * 1_000)],
  ];
}

const share = (fraction: number): string => `${number(fraction * 100)} %`;

function Filled({ name, part }: { name: string; part: { readonly usedBytes: number; readonly totalBytes: number } }) {
  return (
    <Gauge name={name} used={part.usedBytes / part.totalBytes}>
      {t('figures.of', { used: bytes(part.usedBytes), total: bytes(part.totalBytes) })}
    </Gauge>
  );
}

function Gauge({ name, used, children }: { name: string; used: number; children: ReactNode }) {
  return (
    <div className="space-y-1.5">
      <p className="flex justify-between gap-4">
        <span className="text-muted">{name}</span>
        <span>{children}</span>
      </p>
      <Meter used={used} label={name} />
    </div>
  );
}
