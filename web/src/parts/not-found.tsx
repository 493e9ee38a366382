import { Link } from '@tanstack/react-router';
import { t } from '../text/t.ts';
import { Card } from './card.tsx';

export function NotFound() {
  return (
    <Card title={t('not-found.title')}>
      <p className="text-muted">{t('not-found.hint')}</p>
      <Link to="/guests" className="button" data-look="primary">
        {t('not-found.go')}
      </Link>
    </Card>
  );
}
