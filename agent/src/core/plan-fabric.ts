import type { Wish } from '@drover/shared/model/spec';
import { GONE, type Plan, perform, SETTLED, waitFor } from './plan.ts';

/** Storages, networks and images: what guests stand on. */

export interface ObservedFabric {
  readonly ready: boolean;
  /** Anything of it is there, even if it is not as wished. */
  readonly exists: boolean;
}

export function planStorage(wish: Wish<'storage'>, observed: ObservedFabric): Plan {
  if (wish.deletion) return observed.exists ? perform({ do: 'storage.remove' }) : GONE;
  return observed.ready ? SETTLED : perform({ do: 'storage.ensure' });
}

export function planNetwork(wish: Wish<'network'>, observed: ObservedFabric): Plan {
  if (wish.deletion) return observed.exists ? perform({ do: 'network.remove' }) : GONE;
  return observed.ready ? SETTLED : perform({ do: 'network.ensure' });
}

export interface ObservedImageFabric extends ObservedFabric {
  readonly storageReady: boolean;
  /** A guest made from it that is to go as well, by name and id. */
  readonly leaving: { readonly name: string; readonly id: string } | null;
}

export function planImage(wish: Wish<'image'>, observed: ObservedImageFabric): Plan {
  if (!observed.storageReady) return waitFor('its storage', { kind: 'storage', id: wish.spec.storageId });
  if (wish.deletion) {
    if (!observed.exists || !wish.deletion.destroys.includes('files')) return GONE;
    // The guest's disk stands on the image: it goes first.
    const { leaving } = observed;
    return leaving ? waitFor(`guest ${leaving.name} to be removed`, { kind: 'guest', id: leaving.id }) : perform({ do: 'image.remove' });
  }
  return observed.ready ? SETTLED : perform({ do: 'image.make' });
}
