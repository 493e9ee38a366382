import { realClock } from '@drover/shared/lib/clock';
import { useEffect, useState } from 'react';
import { t } from '../text/t.ts';

const QUIET_MS = 150;

/** The shape of what is coming, but only when it takes long enough to be noticed. */
export function Skeleton({ rows, className = 'h-16' }: { rows: number; className?: string }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => realClock.after(QUIET_MS, () => setShown(true)), []);
  return (
    <div role="status" className={isShown ? '' : 'invisible'}>
      <span className="sr-only">{t('loading')}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={row} aria-hidden="true" className={`flex items-center gap-3 border-b border-line px-4 ${className}`}>
          <div className="size-4 animate-pulse-slow rounded-full bg-line" />
          <div className="h-4 w-2/5 animate-pulse-slow rounded bg-line" />
        </div>
      ))}
    </div>
  );
}
