import type { HostView } from '@drover/shared/api/views';
import type { GuestType } from '@drover/shared/model/guest';
import { t } from '../text/t.ts';

type Candidate = Pick<HostView, 'name' | 'connected' | 'drivers' | 'memoryBytes'>;

/** The hosts that a new guest may come to; `chosen` empty: any that is there. */
export const candidatesOf = <H extends Candidate>(hosts: readonly H[], chosen: string): readonly H[] =>
  chosen === '' ? hosts.filter((host) => host.connected) : hosts.filter((host) => host.name === chosen);

/** What to know of these hosts before a guest is asked for: that none can take it, or that each does it only in part. */
export function placementNote(
  type: GuestType,
  candidates: readonly Candidate[],
): { readonly isBad: boolean; readonly text: string } | null {
  const there = candidates.filter((host) => host.connected);
  const [away] = candidates;
  if (there.length === 0) return { isBad: true, text: away === undefined ? t('place.none') : t('place.away', { host: away.name }) };
  const said = there.map((host) => {
    const drivers = host.drivers.filter((driver) => driver.port === 'guest' && driver.capabilities.type === type);
    const usable = drivers.find((driver) => driver.usable);
    return { host: host.name, isUsable: usable !== undefined || drivers.length === 0, reason: (usable ?? drivers[0])?.reason };
  });
  const usable = said.filter(({ isUsable }) => isUsable);
  const [first] = usable.length === 0 ? said : usable;
  // One that does it without a limit is enough.
  if (first?.reason === undefined || usable.some(({ reason }) => reason === undefined)) return null;
  return { isBad: usable.length === 0, text: t('place.limit', { host: first.host, reason: first.reason }) };
}

/** The most memory that any of them has. Null: not known. */
export function mostMemory(candidates: readonly Candidate[]): number | null {
  const known = candidates.flatMap(({ memoryBytes }) => memoryBytes ?? []);
  return known.length < candidates.length || known.length === 0 ? null : Math.max(...known);
}
