import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { Icon } from '../kit/icon.tsx';
import { lazyPart } from '../kit/lazy-part.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import type { List, Query } from '../live/collection.ts';
import { live, useList, useOne } from '../live/use.ts';
import { Failed } from '../parts/failed.tsx';
import { GuestFilters } from '../parts/guest-filters.tsx';
import { GuestRow } from '../parts/guest-row.tsx';
import { PageHeader } from '../parts/page-header.tsx';
import { useSheet } from '../parts/use-sheet.ts';
import { t } from '../text/t.ts';

const route = getRouteApi('/signed-in/guests');
const NO_QUERY: Query = {};
const NoGuests = lazyPart(async () => (await import('../parts/empty.tsx')).NoGuests);
const NoHosts = lazyPart(async () => (await import('../parts/empty.tsx')).NoHosts);
const NoMatch = lazyPart(async () => (await import('../parts/empty.tsx')).NoMatch);
const DisruptiveSheet = lazyPart(async () => (await import('../parts/guest-sheets.tsx')).DisruptiveSheet);

export function GuestsPage() {
  const { sheet, guest, ...filters } = route.useSearch();
  const hasFilter = Object.keys(filters).length > 0;
  const list = useSteadyList(filters);
  const hosts = useList(live.host, NO_QUERY);
  const noHosts = hosts.state === 'ready' && hosts.total === 0;
  const isEmpty = list.state === 'ready' && list.total === 0;
  const navigate = useNavigate();

  return (
    <>
      <PageHeader title={t('place.guests')}>
        <Link to="/guests/new" className="button max-md:hidden" data-look="primary">
          <Icon name="plus" size={18} />
          {t('guests.new')}
        </Link>
      </PageHeader>
      {isEmpty && !hasFilter ? null : <GuestFilters filters={filters} count={list.state === 'ready' ? list.total : null} />}
      {list.state === 'failed' ? (
        <div className="mb-3">
          <Failed problem={list.problem} onAgain={live.guest.recover} />
        </div>
      ) : null}
      {list.state === 'failed' && list.ids.length === 0 ? null : list.state === 'loading' && list.ids.length === 0 ? (
        <div className="card overflow-hidden">
          <Skeleton rows={6} />
        </div>
      ) : isEmpty ? (
        hasFilter ? (
          <NoMatch onClear={() => void navigate({ to: '/guests' })} />
        ) : noHosts ? (
          <NoHosts />
        ) : (
          <NoGuests />
        )
      ) : (
        <GuestList list={list} query={filters} />
      )}
      {isEmpty && !hasFilter ? null : (
        <Link
          to="/guests/new"
          aria-label={t('guests.new')}
          className="fixed right-4 bottom-[calc(4.5rem+env(safe-area-inset-bottom))] z-20 grid size-14 place-items-center rounded-full bg-accent text-on-accent shadow-lg md:hidden"
        >
          <Icon name="plus" size={26} />
        </Link>
      )}
      {sheet === 'shutdown' && guest !== undefined ? <ShutdownSheet guestId={guest} /> : null}
    </>
  );
}

/** While a changed search is on its way the last list stays, so that typing does not make the page flicker. */
function useSteadyList(query: Query): List {
  const list = useList(live.guest, query);
  const [last, setLast] = useState(list);
  useEffect(() => {
    if (list.state === 'ready') setLast(list);
  }, [list]);
  return list.state === 'loading' && list.ids.length === 0 ? { ...last, state: last.ids.length === 0 ? 'loading' : last.state } : list;
}

function ShutdownSheet({ guestId }: { guestId: string }) {
  const { view } = useOne(live.guest, guestId);
  const { close } = useSheet();
  return view === null ? null : <DisruptiveSheet guest={view} action="shutdown" onClose={close} />;
}

const isCoarse = matchMedia('(pointer: coarse), (max-width: 767px)');
const rowHeight = (): number => (isCoarse.matches ? 72 : 56);
const LOAD_AHEAD_ROWS = 30;

function GuestList({ list, query }: { list: List; query: Query }) {
  const box = useRef<HTMLUListElement>(null);
  const rows = useWindowVirtualizer({
    count: list.ids.length,
    estimateSize: rowHeight,
    overscan: 8,
    scrollMargin: box.current?.offsetTop ?? 0,
    getItemKey: (index) => list.ids[index] ?? index,
  });
  const items = rows.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (list.state === 'ready' && list.hasMore && lastShown > list.ids.length - LOAD_AHEAD_ROWS) void live.guest.loadMore(query);
  }, [lastShown, list, query]);
  useEffect(() => {
    const measure = (): void => rows.measure();
    isCoarse.addEventListener('change', measure);
    return () => isCoarse.removeEventListener('change', measure);
  }, [rows]);

  return (
    <div className="card overflow-hidden">
      <div
        aria-hidden="true"
        className="guest-columns h-10 gap-x-4 border-b border-line bg-sunken px-4 text-[13px] font-semibold text-muted max-lg:hidden"
      >
        <span />
        <span>{t('column.name')}</span>
        <span>{t('column.state')}</span>
        <span>{t('column.address')}</span>
        <span>{t('column.host')}</span>
        <span>{t('column.size')}</span>
        <span />
      </div>
      <ul ref={box} aria-label={t('place.guests')} className="relative" style={{ height: rows.getTotalSize() }}>
        {items.map((item) => {
          const id = list.ids[item.index];
          return id === undefined ? null : (
            <li
              key={item.key}
              aria-setsize={list.total}
              aria-posinset={item.index + 1}
              className="absolute inset-x-0 top-0"
              style={{ height: item.size, transform: `translateY(${item.start - rows.options.scrollMargin}px)` }}
            >
              <GuestRow id={id} isFirst={item.index === 0} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}
