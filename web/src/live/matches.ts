import type { GuestView, TaskView } from '@drover/shared/api/views';
import type { Query } from './collection.ts';

type FilteredGuest = Pick<GuestView, 'id' | 'name' | 'tags' | 'addresses' | 'host' | 'type' | 'observedPower'>;
type FilteredTask = Pick<TaskView, 'state'> & { readonly target: Pick<TaskView['target'], 'kind' | 'id'> };

/** The control plane's own filters, for one thing that has just changed: a wrong guess here costs one request more, no wrong list. */
export function guestMatches(query: Query, guest: FilteredGuest): boolean {
  const haystack = [guest.name, String(guest.id), ...guest.tags, ...guest.addresses].join('\n').toLowerCase();
  const words = (query.search ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return (
    words.every((word) => haystack.includes(word)) &&
    (query.host === undefined || query.host === guest.host.name || query.host === guest.host.id) &&
    (query.type === undefined || query.type === guest.type) &&
    (query.state === undefined || query.state === guest.observedPower)
  );
}

export function isFinished(task: Pick<TaskView, 'state'>): boolean {
  return task.state === 'done' || task.state === 'failed' || task.state === 'cancelled';
}

export function taskMatches(query: Query, task: FilteredTask): boolean {
  return (
    (query.state === undefined || (query.state === 'finished') === isFinished(task)) &&
    (query.kind === undefined || query.kind === task.target.kind) &&
    (query.target === undefined || query.target === task.target.id)
  );
}
