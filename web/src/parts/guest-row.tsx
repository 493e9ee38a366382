import type { GuestView } from '@drover/shared/api/views';
import { Link } from '@tanstack/react-router';
import { memo, useState } from 'react';
import { bytes, clockTime, percent } from '../format.ts';
import { IconButton } from '../kit/button.tsx';
import { Glyph, guestSays } from '../kit/glyph.tsx';
import { Icon } from '../kit/icon.tsx';
import { live, useNow, useOne } from '../live/use.ts';
import { t } from '../text/t.ts';
import { powerActions, sendPower } from './guest-actions.ts';
import { noteFailure } from './notices.tsx';
import { useSheet } from './use-sheet.ts';

/** One guest in the list. The whole row opens it; the one likely next action has a button of its own. */
export const GuestRow = memo(function GuestRow({ id, isFirst }: { id: string; isFirst: boolean }) {
  const { view: guest } = useOne(live.guest, id);
  if (guest === null) return null;
  const says = guestSays(guest.state);
  const address = guest.addresses[0] ?? null;
  const isStale = guest.state === 'unknown';
  return (
    <div
      data-stale={isStale}
      className={`guest-columns relative h-full gap-x-4 pr-2 pl-4 hover:bg-sunken lg:pr-4 ${isFirst ? '' : 'border-t border-line'}`}
    >
      <Glyph tone={says.tone} />
      <div className="min-w-0 lg:contents">
        <div className="flex min-w-0 items-center gap-2">
          <Link
            to="/guests/$guestId"
            params={{ guestId: id }}
            className="truncate font-semibold text-text before:absolute before:inset-0 before:right-14 before:content-['']"
          >
            {guest.name}
          </Link>
          <span title={t(guest.type)} className="flex-none text-muted">
            <Icon name={guest.type} size={16} />
            <span className="sr-only">{t(guest.type)}</span>
          </span>
          {guest.tags.slice(0, 2).map((tag) => (
            <span key={tag} className="hidden max-w-24 flex-none truncate rounded-full bg-sunken px-2 text-xs text-muted xl:inline">
              {tag}
            </span>
          ))}
        </div>
        <div className="flex min-w-0 gap-2 text-sm text-muted lg:contents">
          <span className="flex-none lg:min-w-0 lg:truncate lg:text-text">
            <StateWord guest={guest} />
          </span>
          <span className="flex-none font-mono text-[13px] leading-5.5 empty:hidden lg:min-w-0 lg:truncate lg:empty:block">{address}</span>
          <span className="truncate">
            <span className="lg:hidden">{t('on')} </span>
            {guest.host.name}
          </span>
          <span className="hidden truncate lg:inline">
            {t('guest.size', { memory: bytes(guest.memoryBytes), cores: t('cores', { count: guest.cores }) })}
          </span>
        </div>
      </div>
      <QuickAction guest={guest} />
    </div>
  );
});

function StateWord({ guest }: { guest: GuestView }) {
  const now = useNow(30_000);
  if (guest.state === 'unknown' && guest.heardAtMs !== null) return t('guest.unknown.since', { time: clockTime(guest.heardAtMs, now) });
  const progress = guest.activity?.progress;
  const word = t(guestSays(guest.state).word);
  return typeof progress === 'number' ? t('state.at', { state: word, percent: percent(progress) }) : word;
}

function QuickAction({ guest }: { guest: GuestView }) {
  const [isSending, setSending] = useState(false);
  const { open } = useSheet();
  const [action] = powerActions(guest);
  if (action === 'start') {
    return (
      <IconButton
        icon="play"
        label={t('start.name', { name: guest.name })}
        aria-busy={isSending}
        disabled={isSending}
        className="hover:text-ok"
        onClick={() => {
          setSending(true);
          void sendPower(guest.id, 'start')
            .catch((error: unknown) => noteFailure(t('start.name', { name: guest.name }), error))
            .finally(() => setSending(false));
        }}
      />
    );
  }
  if (action === 'shutdown') {
    return (
      <IconButton
        icon="power"
        label={t('shutdown.name', { name: guest.name })}
        onClick={() => open({ sheet: 'shutdown', guest: String(guest.id) })}
      />
    );
  }
  return <span />;
}
