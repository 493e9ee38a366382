import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Button } from '../kit/button.tsx';
import { CommandLine } from '../kit/copy.tsx';
import { Icon, type IconName } from '../kit/icon.tsx';
import { t } from '../text/t.ts';

/** Where nothing is yet: what it will be, and the first step. */
function Empty({ icon, title, children }: { icon: IconName; title: string; children: ReactNode }) {
  return (
    <section className="card mx-auto mt-4 max-w-xl space-y-4 px-6 py-10 text-center">
      <span className="mx-auto grid size-14 place-items-center rounded-full bg-accent-soft text-accent">
        <Icon name={icon} size={28} />
      </span>
      <h2 className="text-lg font-semibold">{title}</h2>
      {children}
    </section>
  );
}

export function NoGuests() {
  return (
    <Empty icon="guests" title={t('empty.guests.title')}>
      <p className="text-muted">{t('empty.guests.what')}</p>
      <Link to="/guests/new" className="button" data-look="primary">
        <Icon name="plus" size={18} />
        {t('guests.new')}
      </Link>
      <p className="pt-2 text-sm text-muted">{t('empty.guests.line')}</p>
      <div className="text-left">
        <CommandLine
          line="npx drover guest create web --container --image debian-13 --memory 256MiB --start --wait"
          label={t('cli.line')}
        />
      </div>
    </Empty>
  );
}

export function NoHosts() {
  return (
    <Empty icon="hosts" title={t('empty.hosts.title')}>
      <p className="text-muted">{t('empty.hosts.what')}</p>
      <Link to="/hosts" search={{ sheet: 'add' }} className="button" data-look="primary">
        <Icon name="plus" size={18} />
        {t('hosts.add')}
      </Link>
    </Empty>
  );
}

export function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty icon="search" title={t('empty.match.title')}>
      <p className="text-muted">{t('empty.match.what')}</p>
      <Button onClick={onClear}>{t('empty.match.clear')}</Button>
    </Empty>
  );
}

export function NoTasks() {
  return (
    <Empty icon="activity" title={t('empty.tasks.title')}>
      <p className="text-muted">{t('empty.tasks.what')}</p>
    </Empty>
  );
}
