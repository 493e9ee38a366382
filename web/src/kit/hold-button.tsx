import { realClock } from '@drover/shared/lib/clock';
import { useEffect, useRef, useState } from 'react';
import { t } from '../text/t.ts';

const HOLD_MS = 800;

/** Acts after it was pressed for 0.8 s, by finger, mouse, Enter or Space: what cannot be undone is not done by a slip. */
export function HoldButton({ label, busy, onHeld }: { label: string; busy: boolean; onHeld: () => void }) {
  const [isHeld, setHeld] = useState(false);
  const [wasShort, setShort] = useState(false);
  const cancel = useRef<(() => void) | null>(null);

  const begin = (): void => {
    if (busy || cancel.current !== null) return;
    setHeld(true);
    setShort(false);
    cancel.current = realClock.after(HOLD_MS, () => {
      cancel.current = null;
      setHeld(false);
      onHeld();
    });
  };
  const end = (): void => {
    if (cancel.current === null) return;
    cancel.current();
    cancel.current = null;
    setHeld(false);
    setShort(true);
  };
  useEffect(() => () => cancel.current?.(), []);

  const isKey = (key: string): boolean => key === 'Enter' || key === ' ';
  return (
    <div>
      <button
        type="button"
        className="button relative w-full touch-none select-none overflow-hidden"
        data-look="danger"
        aria-busy={busy || undefined}
        aria-disabled={busy || undefined}
        onPointerDown={(event) => {
          if (event.isPrimary && event.button === 0) begin();
        }}
        onPointerUp={end}
        onPointerLeave={end}
        onPointerCancel={end}
        onContextMenu={(event) => event.preventDefault()}
        onKeyDown={(event) => {
          if (!isKey(event.key)) return;
          event.preventDefault();
          if (!event.repeat) begin();
        }}
        onKeyUp={(event) => {
          if (isKey(event.key)) end();
        }}
        onBlur={end}
      >
        <span
          aria-hidden="true"
          className={`absolute inset-0 origin-left bg-bad-soft ${isHeld ? 'scale-x-100 transition-transform duration-[800ms] ease-linear' : 'scale-x-0'}`}
        />
        <span className="relative">{label}</span>
      </button>
      <p className="mt-1 min-h-5 text-center text-[13px] text-muted" aria-live="polite">
        {wasShort ? t('hold.longer') : ''}
      </p>
    </div>
  );
}
