import type { HostView, StorageView } from '@drover/shared/api/views';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ago, bytes, percent } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { Glyph, hostSays } from '../kit/glyph.tsx';
import { Icon } from '../kit/icon.tsx';
import { Meter } from '../kit/progress.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import type { Query } from '../live/collection.ts';
import { live, useNow, useViews } from '../live/use.ts';
import { AddHostSheet } from '../parts/add-host.tsx';
import { NoHosts } from '../parts/empty.tsx';
import { Failed } from '../parts/failed.tsx';
import { guestsOn } from '../parts/guests-on.ts';
import { HostTokens } from '../parts/host-tokens.tsx';
import { AgentsBehind } from '../parts/host-upkeep.tsx';
import { PageHeader } from '../parts/page-header.tsx';
import { useSheet } from '../parts/use-sheet.ts';
import { t } from '../text/t.ts';

const route = getRouteApi('/signed-in/hosts');
const ALL: Query = {};

export function HostsPage() {
  const { sheet } = route.useSearch();
  const { open, close } = useSheet();
  const { list, views: hosts } = useViews(live.host, ALL);
  const { views: storages } = useViews(live.storage, ALL);
  const isEmpty = list.state === 'ready' && list.total === 0;
  return (
    <>
      <PageHeader title={t('place.hosts')}>
        {isEmpty ? null : (
          <Button icon="plus" look="primary" className="max-md:px-3" onClick={() => open({ sheet: 'add' })}>
            <span className="max-md:sr-only">{t('hosts.add')}</span>
          </Button>
        )}
      </PageHeader>
      {list.state === 'failed' ? <Failed problem={list.problem} onAgain={live.host.recover} /> : null}
      {list.state === 'loading' && hosts.length === 0 ? <Skeleton rows={3} className="h-24" /> : null}
      {isEmpty ? <NoHosts /> : null}
      <AgentsBehind hosts={hosts} />
      <ul className="grid gap-3 md:grid-cols-2 xl:grid-cols-3">
        {hosts.map((host) => (
          <HostCard key={host.id} host={host} storages={storages.filter((storage) => storage.host.id === host.id)} />
        ))}
      </ul>
      {list.hasMore ? (
        <Button className="mt-3 w-full" onClick={() => void live.host.loadMore(ALL)}>
          {t('more')}
        </Button>
      ) : null}
      <HostTokens />
      {sheet === 'add' ? <AddHostSheet onClose={close} /> : null}
    </>
  );
}

/** Where it stands, and its tags. */
const settingsOf = ({ settings }: HostView): string => [settings.location, ...settings.tags].filter(Boolean).join(' · ');

function HostCard({ host, storages }: { host: HostView; storages: readonly StorageView[] }) {
  const now = useNow(10_000);
  const says = hostSays(host);
  return (
    <li className="card relative space-y-3 p-4 hover:bg-sunken" data-stale={!host.connected}>
      <div className="flex items-center gap-3">
        <Glyph tone={says.tone} />
        <Link
          to="/hosts/$hostId"
          params={{ hostId: host.id }}
          className="min-w-0 flex-1 truncate text-lg font-semibold before:absolute before:inset-0 before:content-['']"
        >
          {host.name}
        </Link>
        <span className="text-muted">
          <Icon name="next" size={18} />
        </span>
      </div>
      <p className="text-sm text-muted">
        {t(says.word)}
        {host.connected || host.heardAtMs === null ? '' : ` · ${t('host.heard', { when: ago(host.heardAtMs, now) })}`}
        {host.os === null ? '' : ` · ${host.os}`}
        {host.settings.maintenance ? ` · ${t('host.maintenance')}` : ''}
      </p>
      {settingsOf(host) === '' ? null : <p className="truncate text-sm text-muted">{settingsOf(host)}</p>}
      <p className="text-[15px]">
        {guestsOn(host)}
        {host.cores === null ? '' : ` · ${t('guest.size', { memory: bytes(host.memoryBytes), cores: t('cores', { count: host.cores }) })}`}
      </p>
      {storages.map((storage) =>
        storage.totalBytes === null || storage.freeBytes === null ? null : (
          <div key={storage.id} className="space-y-1">
            <p className="flex justify-between text-sm text-muted">
              <span>{t('storage.named', { name: storage.name })}</span>
              <span>{t('storage.free', { free: bytes(storage.freeBytes), percent: percent(storage.freeBytes / storage.totalBytes) })}</span>
            </p>
            <Meter used={1 - storage.freeBytes / storage.totalBytes} label={t('storage.used', { name: storage.name })} />
          </div>
        ),
      )}
    </li>
  );
}
