import { FIGURES_FRESH_MS } from '@drover/shared/api/figures-age';
import type { GuestView } from '@drover/shared/api/views';
import { ago, bytes, number } from '../format.ts';
import { useFigures, useNow } from '../live/use.ts';
import { t } from '../text/t.ts';
import { Facts } from './facts.tsx';
import { flow } from './host-figures.tsx';

/** How a running guest is doing now, as its host measures it; nothing while nothing is known. */
export function GuestFiguresFacts({ guest }: { guest: GuestView }) {
  const now = useNow(5_000);
  const told = useFigures(guest.host.id);
  const figures = told?.view.guests.find(({ id }) => id === guest.id);
  if (!told || told.measuredAtMs === null || figures === undefined || guest.state !== 'running') return null;
  return (
    <div data-stale={now - told.measuredAtMs > FIGURES_FRESH_MS}>
      <Facts
        facts={[
          [t('figures.cpu'), figures.cpu === undefined ? t('unknown') : t('figures.cores', { cores: number(figures.cpu) })],
          [
            t('figures.memory'),
            figures.memoryBytes === undefined
              ? t('unknown')
              : t('figures.of', { used: bytes(figures.memoryBytes), total: bytes(guest.memoryBytes) }),
          ],
          [t('figures.disk'), flow(figures.disk, 'figures.disk.of')],
          [t('figures.network'), flow(figures.network, 'figures.network.of')],
          [t('figures.measured'), ago(told.measuredAtMs, now)],
        ]}
      />
    </div>
  );
}
