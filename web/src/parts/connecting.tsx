import { realClock } from '@drover/shared/lib/clock';
import { useEffect, useState } from 'react';
import { t } from '../text/t.ts';
import { Card } from './card.tsx';

const PATIENCE_MS = 1_200;

/** Nothing at first: most of the time the answer is there before it could be read. */
export function ConnectingCard() {
  const [isLong, setLong] = useState(false);
  useEffect(() => realClock.after(PATIENCE_MS, () => setLong(true)), []);
  if (!isLong) return null;
  return (
    <Card title={t('connecting.title')}>
      <p role="status" className="text-muted">
        {t('connecting.hint')}
      </p>
    </Card>
  );
}
