import { useState } from 'react';
import { Icon } from '../kit/icon.tsx';
import { lazyPart } from '../kit/lazy-part.tsx';
import { useSession } from '../session/session.ts';
import { t } from '../text/t.ts';
import { LiveMark } from './connection.tsx';

const AccountSheet = lazyPart(async () => (await import('./account-sheet.tsx')).AccountSheet);

export function AccountButton({ look }: { look: 'rail' | 'bar' }) {
  const session = useSession();
  const [isOpen, setOpen] = useState(false);
  if (session === undefined || session === null) return null;
  return (
    <>
      {look === 'bar' ? (
        <button
          type="button"
          className="icon-button relative -mr-2 md:hidden"
          aria-label={t('account.of', { name: session.user.name })}
          onClick={() => setOpen(true)}
        >
          <Icon name="person" size={22} />
          <LiveMark />
        </button>
      ) : (
        <button
          type="button"
          aria-label={t('account.of', { name: session.user.name })}
          className="flex min-h-11 items-center justify-center gap-3 rounded-sm px-3 text-[15px] text-muted hover:bg-sunken hover:text-text lg:justify-start"
          onClick={() => setOpen(true)}
        >
          <Icon name="person" size={22} />
          <span className="hidden truncate lg:inline">{session.user.name}</span>
        </button>
      )}
      {isOpen ? <AccountSheet onClose={() => setOpen(false)} /> : null}
    </>
  );
}
