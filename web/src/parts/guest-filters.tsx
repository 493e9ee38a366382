import { realClock } from '@drover/shared/lib/clock';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { IconButton } from '../kit/button.tsx';
import { Icon } from '../kit/icon.tsx';
import type { Query } from '../live/collection.ts';
import { t } from '../text/t.ts';
import { patched } from './search.ts';

const TYPING_MS = 180;

/** The search box. What is typed goes to the address when the typing pauses, and from there to the list. */
export function GuestFilters({ filters, count }: { filters: Query; count: number | null }) {
  const navigate = useNavigate({ from: '/guests' });
  const inAddress = filters.search ?? '';
  const [typed, setTyped] = useState(inAddress);
  const sent = useRef(inAddress);

  // "Back", or a link: the address changed without this box.
  useEffect(() => {
    if (inAddress !== sent.current) setTyped(inAddress);
    sent.current = inAddress;
  }, [inAddress]);
  useEffect(() => {
    if (typed === sent.current) return undefined;
    return realClock.after(TYPING_MS, () => {
      sent.current = typed;
      void navigate({
        to: '/guests',
        search: (search) => patched(search, { search: typed || undefined }),
        replace: true,
        resetScroll: false,
      });
    });
  }, [typed, navigate]);

  return (
    <div className="mb-3 flex flex-wrap items-center gap-2">
      <search className="relative min-w-0 flex-1 md:max-w-md">
        <span className="pointer-events-none absolute inset-y-0 left-3 grid place-items-center text-muted">
          <Icon name="search" size={18} />
        </span>
        <input
          type="text"
          inputMode="search"
          enterKeyHint="search"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          className="input pr-11 pl-10"
          aria-label={t('guests.search')}
          placeholder={t('guests.search.hint')}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        {typed === '' ? null : (
          <IconButton icon="close" label={t('guests.search.clear')} className="absolute inset-y-0 right-0" onClick={() => setTyped('')} />
        )}
      </search>
      {(['host', 'state', 'type'] as const).map((name) =>
        filters[name] === undefined ? null : (
          <button
            key={name}
            type="button"
            className="button"
            onClick={() => void navigate({ to: '/guests', search: (search) => patched(search, { [name]: undefined }) })}
          >
            {t('filter.chip', { name: t(`column.${name}`), value: filters[name] })}
            <Icon name="close" size={16} />
            <span className="sr-only">{t('filter.remove')}</span>
          </button>
        ),
      )}
      <p role="status" className="text-sm text-muted max-md:sr-only md:ml-auto">
        {count === null ? '' : t('guests.count', { count })}
      </p>
    </div>
  );
}
