import type { HostView } from '@drover/shared/api/views';
import { t } from '../text/t.ts';

export const guestsOn = ({ guests }: Pick<HostView, 'guests'>): string =>
  guests.total === 0 ? t('guests.none') : t('guests.running', { running: guests.running, total: guests.total });
