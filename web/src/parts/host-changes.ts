import type { EditHost } from '@drover/shared/api/requests';
import type { HostView } from '@drover/shared/api/views';
import { t } from '../text/t.ts';
import { tagsOf } from './tags.ts';

/** The edit form of a host, as typed. */
export interface HostForm {
  readonly name: string;
  readonly tags: string;
  readonly location: string;
  readonly notes: string;
  readonly startDelay: string;
  readonly maintenance: boolean;
}

export const hostFormOf = ({ name, settings }: Pick<HostView, 'name' | 'settings'>): HostForm => ({
  name,
  tags: settings.tags.join(' '),
  location: settings.location,
  notes: settings.notes,
  startDelay: String(settings.startDelayS),
  maintenance: settings.maintenance,
});

/** Only what the person changed; a number that cannot be read is named instead. */
export function hostEditOf(base: HostForm, form: HostForm): { readonly edit: EditHost; readonly faults: Readonly<Record<string, string>> } {
  const edit: EditHost = {};
  const faults: Record<string, string> = {};
  if (form.name !== base.name) edit.name = form.name.trim();
  if (form.tags !== base.tags) edit.tags = tagsOf(form.tags);
  if (form.location !== base.location) edit.location = form.location.trim();
  if (form.notes !== base.notes) edit.notes = form.notes;
  if (form.maintenance !== base.maintenance) edit.maintenance = form.maintenance;
  if (form.startDelay !== base.startDelay) {
    if (/^\s*\d{1,6}\s*$/.test(form.startDelay)) edit.startDelayS = Number(form.startDelay);
    else faults.startDelayS = t('fault.count');
  }
  return { edit, faults };
}
