import { Link } from '@tanstack/react-router';
import { t } from '../text/t.ts';
import { PageHeader } from './page-header.tsx';

/** It was there once, or never: either way, not now. */
export function Missing({
  title,
  what,
  back,
}: {
  title: string;
  what: string;
  back: { to: '/guests' | '/hosts' | '/activity'; name: string };
}) {
  return (
    <>
      <PageHeader title={title} back={back} />
      <section className="card space-y-4 p-6">
        <p className="text-muted">{what}</p>
        <Link to={back.to} className="button">
          {t('back.to', { name: back.name })}
        </Link>
      </section>
    </>
  );
}
