import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { Icon } from '../kit/icon.tsx';
import { t } from '../text/t.ts';
import { AccountButton } from './account.tsx';

let isFirst = true;

/** A page's top: where one is, the way back, what belongs to the whole page. Takes the focus when a page replaces another. */
export function PageHeader({
  title,
  back,
  children,
}: {
  title: string;
  back?: { to: '/guests' | '/hosts' | '/activity'; name: string };
  children?: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${t('drover')}`;
  }, [title]);
  useEffect(() => {
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    isFirst = false;
  }, []);
  return (
    <header className="mb-2 flex min-h-16 items-center gap-2 pt-2 md:mb-4 md:pt-6">
      {back === undefined ? null : (
        <Link to={back.to} aria-label={t('back.to', { name: back.name })} className="icon-button -ml-3">
          <Icon name="back" size={22} />
        </Link>
      )}
      <h1 ref={heading} tabIndex={-1} className="min-w-0 line-clamp-2 flex-1 text-[22px] leading-tight font-semibold md:text-[28px]">
        {title}
      </h1>
      {children}
      <AccountButton look="bar" />
    </header>
  );
}
