import type { EditGuest } from '@drover/shared/api/requests';
import type { GuestView } from '@drover/shared/api/views';
import { exactBytes } from '../format.ts';
import { t } from '../text/t.ts';
import { readAmount, readCores } from './limits.ts';
import { tagsOf } from './tags.ts';

/** The edit form, as typed. */
export interface GuestForm {
  readonly name: string;
  readonly memory: string;
  readonly cores: string;
  readonly tags: string;
  readonly notes: string;
  readonly startAtBoot: boolean;
  readonly startOrder: string;
  readonly startDelay: string;
  readonly shutdownTimeout: string;
}

type Editable = Pick<
  GuestView,
  'name' | 'memoryBytes' | 'cores' | 'tags' | 'notes' | 'startAtBoot' | 'startOrder' | 'startDelayS' | 'shutdownTimeoutS'
>;

export const formOf = (guest: Editable): GuestForm => ({
  name: guest.name,
  memory: exactBytes(guest.memoryBytes, ' '),
  cores: String(guest.cores),
  tags: guest.tags.join(' '),
  notes: guest.notes,
  startAtBoot: guest.startAtBoot,
  startOrder: guest.startOrder === null ? '' : String(guest.startOrder),
  startDelay: String(guest.startDelayS),
  shutdownTimeout: String(guest.shutdownTimeoutS),
});

/** Only what the person changed: what somebody else changed meanwhile is not put back. Fields that cannot be read are named instead. */
export function editOf(base: GuestForm, form: GuestForm): { readonly edit: EditGuest; readonly faults: Readonly<Record<string, string>> } {
  const edit: EditGuest = {};
  const faults: Record<string, string> = {};
  if (form.name !== base.name) edit.name = form.name.trim();
  if (form.memory !== base.memory) {
    const memory = readAmount('memoryBytes', form.memory);
    if ('fault' in memory) faults.memoryBytes = memory.fault;
    else edit.memoryBytes = memory.value;
  }
  if (form.cores !== base.cores) {
    const cores = readCores(form.cores);
    if ('fault' in cores) faults.cores = cores.fault;
    else edit.cores = cores.value;
  }
  if (form.tags !== base.tags) edit.tags = tagsOf(form.tags);
  if (form.notes !== base.notes) edit.notes = form.notes;
  if (form.startAtBoot !== base.startAtBoot) edit.startAtBoot = form.startAtBoot;
  if (form.startOrder !== base.startOrder) {
    const order = form.startOrder.trim() === '' ? null : readWhole(form.startOrder, 9_999);
    if (order === undefined) faults.startOrder = t('guest.order.fault');
    else edit.startOrder = order;
  }
  if (form.startDelay !== base.startDelay) {
    const seconds = readWhole(form.startDelay, SECONDS_MAX);
    if (seconds === undefined) faults.startDelayS = t('seconds.fault');
    else edit.startDelayS = seconds;
  }
  if (form.shutdownTimeout !== base.shutdownTimeout) {
    const seconds = readWhole(form.shutdownTimeout, SECONDS_MAX);
    if (seconds === undefined) faults.shutdownTimeoutS = t('seconds.fault');
    else edit.shutdownTimeoutS = seconds;
  }
  return { edit, faults };
}

const SECONDS_MAX = 3_600;

/** Undefined for what is no whole number from 0 to `max`. */
function readWhole(text: string, max: number): number | undefined {
  const value = /^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : Number.NaN;
  return value <= max ? value : undefined;
}

/** The form with somebody else's changes in it, and mine on top of them. */
export function rebased(base: GuestForm, mine: GuestForm, theirs: GuestForm): GuestForm {
  const pick = <K extends keyof GuestForm>(name: K): GuestForm[K] => (mine[name] === base[name] ? theirs[name] : mine[name]);
  return {
    name: pick('name'),
    memory: pick('memory'),
    cores: pick('cores'),
    tags: pick('tags'),
    notes: pick('notes'),
    startAtBoot: pick('startAtBoot'),
    startOrder: pick('startOrder'),
    startDelay: pick('startDelay'),
    shutdownTimeout: pick('shutdownTimeout'),
  };
}
