import type { Privilege } from '@drover/shared/access/privilege';
import type { Held } from './held.ts';
import type { Rights } from './rights-of.ts';
import { thingOf } from './things.ts';
import type { HostCandidate } from './views.ts';

/**
 * Of the hosts that something new could go to, those with a storage, and for a guest a network, that its author may use; and of each only
 * what they may use or see. What they may not know of is no reason that they are told of, either.
 */
export function usable(candidates: readonly HostCandidate[], rights: Rights, what: 'guest' | 'image'): readonly HostCandidate[] {
  const storagePrivilege = what === 'guest' ? 'Datastore.AllocateSpace' : 'Datastore.AllocateTemplate';
  if (rights.within(storagePrivilege, '/storage') === null && rights.within('SDN.Use', '/network') === null) return candidates;
  return candidates
    .map((candidate) => ({
      ...candidate,
      storages: candidate.storages.filter(mayUse(rights, storagePrivilege)),
      networks: candidate.networks.filter(mayUse(rights, 'SDN.Use')),
      images: candidate.images.filter((image) =>
        rights.sees('image', image.id, { hostId: image.hostId, pool: null, tags: [], storageId: image.spec.storageId }),
      ),
    }))
    .filter(({ storages, networks }) => storages.length > 0 && (what === 'image' || networks.length > 0));
}

const mayUse =
  (rights: Rights, privilege: Privilege) =>
  ({ kind, id, hostId }: Held<'storage'> | Held<'network'>): boolean =>
    rights.may(privilege, thingOf(kind, id, { hostId, pool: null, tags: [], storageId: null }));
