import { Link, Outlet } from '@tanstack/react-router';
import { Icon, type IconName } from '../kit/icon.tsx';
import { live, useList } from '../live/use.ts';
import { type PlainKey, t } from '../text/t.ts';
import { AccountButton } from './account.tsx';
import { Logo } from './card.tsx';
import { ConnectionBanner, LiveDot, useIsLost } from './connection.tsx';
import { TaskNotices } from './notices.tsx';

const PLACES: readonly { to: '/guests' | '/hosts' | '/activity'; icon: IconName; name: PlainKey }[] = [
  { to: '/guests', icon: 'guests', name: 'place.guests' },
  { to: '/hosts', icon: 'hosts', name: 'place.hosts' },
  { to: '/activity', icon: 'activity', name: 'place.activity' },
];

/** The places around every page: a bar under the thumb on a phone, a rail at the side elsewhere. The same names in the same order. */
export function Shell() {
  const isLost = useIsLost();
  return (
    <div className="min-h-dvh md:pl-20 lg:pl-54">
      <a href="#main" className="button fixed top-2 left-2 z-50 -translate-y-20 focus:translate-y-0">
        {t('skip')}
      </a>
      <nav
        aria-label={t('places')}
        className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:inset-y-0 md:right-auto md:flex md:w-20 md:flex-col md:border-t-0 md:border-r md:px-2 md:py-4 lg:w-54 lg:px-3"
      >
        <Link
          to="/guests"
          className="mb-4 hidden items-center gap-3 rounded-sm px-2 py-1.5 text-lg font-semibold md:flex md:justify-center lg:justify-start"
        >
          <Logo />
          <span className="sr-only lg:not-sr-only">{t('drover')}</span>
        </Link>
        <ul className="flex md:flex-col md:gap-1">
          {PLACES.map((place) => (
            <li key={place.to} className="flex-1">
              <Link
                to={place.to}
                className="relative flex min-h-14 flex-col items-center justify-center gap-0.5 rounded-sm text-xs font-semibold text-muted hover:text-text aria-[current=page]:text-accent md:min-h-14 lg:min-h-11 lg:flex-row lg:justify-start lg:gap-3 lg:px-3 lg:text-[15px] lg:hover:bg-sunken lg:aria-[current=page]:bg-accent-soft"
              >
                <Icon name={place.icon} size={22} />
                {t(place.name)}
                {place.to === '/activity' ? <RunningCount /> : null}
              </Link>
            </li>
          ))}
        </ul>
        <div className="mt-auto hidden flex-col gap-1 md:flex">
          <LiveDot />
          <AccountButton look="rail" />
        </div>
      </nav>
      <ConnectionBanner isLost={isLost} />
      <main id="main" data-stale={isLost} className="mx-auto w-full max-w-6xl px-4 pb-40 md:px-8 md:pb-24">
        <Outlet />
      </main>
      <TaskNotices />
    </div>
  );
}

const ACTIVE = { state: 'active' } as const;

function RunningCount() {
  const { total } = useList(live.task, ACTIVE);
  if (total === 0) return null;
  return (
    <span className="absolute top-1 left-[calc(50%+6px)] min-w-5 rounded-full bg-busy px-1.5 text-center text-xs leading-5 text-surface lg:static lg:ml-auto">
      {total}
      <span className="sr-only"> {t('activity.running', { count: total })}</span>
    </span>
  );
}
