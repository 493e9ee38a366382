import { realClock } from '@drover/shared/lib/clock';
import { useEffect, useState } from 'react';
import { clockTime } from '../format.ts';
import { Icon } from '../kit/icon.tsx';
import { useConnection } from '../live/use.ts';
import { t } from '../text/t.ts';

/** A blink is not worth a word. */
const PATIENCE_MS = 3_000;

export function useIsLost(): boolean {
  const isLive = useConnection().state === 'live';
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    return isLive ? undefined : realClock.after(PATIENCE_MS, () => setLate(true));
  }, [isLive]);
  return isLate && !isLive;
}

/** Says since when the page is not fresh, and that it goes on trying. */
export function ConnectionBanner({ isLost }: { isLost: boolean }) {
  const { sinceMs } = useConnection();
  return (
    <div role="status" aria-live="polite" className="sticky top-0 z-20">
      {isLost ? (
        <p className="flex items-center gap-3 border-b border-line bg-warn-soft px-4 py-2.5 text-sm md:px-8">
          <span className="text-warn">
            <Icon name="cloudOff" />
          </span>
          <span>
            <strong className="font-semibold">{t('connection.lost', { time: clockTime(sinceMs, realClock.now()) })}</strong>{' '}
            {t('connection.hint')}
          </span>
        </p>
      ) : null}
    </div>
  );
}

const markOf = (isLive: boolean): string => `size-2 rounded-full ${isLive ? 'bg-ok' : 'border-2 border-idle bg-surface'}`;

/** Whether what is shown is live, for the rail. */
export function LiveDot() {
  const isLive = useConnection().state === 'live';
  return (
    <p className="flex items-center justify-center gap-2 px-3 py-1.5 text-[13px] text-muted lg:justify-start">
      <span aria-hidden="true" className={markOf(isLive)} />
      {t(isLive ? 'live' : 'live.not')}
    </p>
  );
}

/** The same beside the account on a phone; in words it is said by the banner. */
export function LiveMark() {
  return <span aria-hidden="true" className={`absolute right-2 bottom-2 ${markOf(useConnection().state === 'live')}`} />;
}
