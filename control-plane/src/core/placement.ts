import type { GuestType } from '@drover/shared/model/guest';
import type { Inventory } from '@drover/shared/model/host';
import type { Held, Host } from './held.ts';
import type { HostCandidate } from './views.ts';

/** What a new guest stands on, on the host that was chosen. */
export interface Place {
  readonly host: Host;
  readonly storage: Held<'storage'>;
  readonly network: Held<'network'>;
  readonly candidate: HostCandidate;
}

export interface Rejection {
  readonly hostName: string;
  readonly reason: string;
}

export interface Need {
  readonly type: GuestType;
  readonly memoryBytes: number;
  /** Somebody asked for just this host: what is wished there waits until it is back. Nobody is sent to wait who did not ask. */
  readonly isNamed: boolean;
}

/** A place, or why none of the hosts will do. Among those that will, the one with the most memory not yet promised; equal ones by name. */
export function place(
  candidates: readonly HostCandidate[],
  need: Need,
): { readonly place: Place } | { readonly rejected: readonly Rejection[] } {
  const rejected: Rejection[] = [];
  const places: { readonly place: Place; readonly freeBytes: number }[] = [];
  for (const candidate of candidates) {
    const looked = placeOn(candidate, need);
    if ('reason' in looked) rejected.push({ hostName: candidate.host.name, reason: looked.reason });
    else places.push({ place: looked, freeBytes: (candidate.inventory?.memoryBytes ?? 0) - candidate.promisedMemoryBytes });
  }
  const [best] = places.sort((a, b) => b.freeBytes - a.freeBytes || (a.place.host.name < b.place.host.name ? -1 : 1));
  return best ? { place: best.place } : { rejected };
}

function placeOn(candidate: HostCandidate, need: Need): Place | { readonly reason: string } {
  const { host, inventory } = candidate;
  const absence = absenceOf(host, need.isNamed);
  if (absence) return { reason: absence };
  // Who names it knows what they do.
  if (candidate.settings?.spec.maintenance && !need.isNamed) return { reason: 'it is in maintenance: nothing is placed there unasked' };
  if (!inventory) return { reason: 'it has not introduced itself yet' };
  const obstacle = driverObstacle(inventory, need.type);
  if (obstacle) return { reason: obstacle };
  if (need.memoryBytes > inventory.memoryBytes) return { reason: `it has ${Math.floor(inventory.memoryBytes / 2 ** 20)} MiB of memory` };
  const storage = storageOn(candidate);
  const network =
    candidate.networks.find(({ spec, deletion }) => spec.name === 'default' && !deletion) ??
    candidate.networks.find(({ deletion }) => !deletion);
  if (!storage) return { reason: 'it has no storage' };
  if (!network) return { reason: 'it has no network' };
  return { host, storage, network, candidate };
}

/** Why nothing can be wished for there; null: it can. */
export function absenceOf(host: Host, isNamed: boolean): string | null {
  if (host.revokedAtMs !== null) return 'it is cut off';
  return host.connected || isNamed ? null : 'it is away';
}

/** Where disks and images go when nobody says. */
export const storageOn = ({ storages }: HostCandidate): Held<'storage'> | undefined =>
  storages.find(({ spec, deletion }) => spec.name === 'local' && !deletion) ?? storages.find(({ deletion }) => !deletion);

/** The first few are enough to see what is wrong. */
export const inWords = (rejected: readonly Rejection[]): string =>
  rejected
    .slice(0, 5)
    .map(({ hostName, reason }) => `${hostName}: ${reason}`)
    .join('; ');

function driverObstacle({ drivers }: Inventory, type: GuestType): string | null {
  const fitting = drivers.filter(({ port, capabilities }) => port === 'guest' && capabilities.type === type);
  const [first] = fitting;
  if (!first) return `it runs no ${type === 'vm' ? 'VMs' : 'containers'}`;
  return fitting.some(({ usable }) => usable) ? null : `${first.title} does not work there: ${first.reason ?? 'it does not say why'}`;
}
