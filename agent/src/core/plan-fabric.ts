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
  /** A guest whose disk stands on it. */
  readonly usedBy: { readonly name: string; readonly id: string } | null;
}

export function planImage(wish: Wish<'image'>, observed: ObservedImageFabric): Plan {
  if (!observed.storageReady) return waitFor('its storage', { kind: 'storage', id: wish.spec.storageId });
  if (wish.deletion) {
    if (!observed.exists || !wish.deletion.destroys.includes('files')) return GONE;
    // It goes first; that it is to go may not have been heard yet.
    const { usedBy } = observed;
    return usedBy ? waitFor(`guest ${usedBy.name}, which stands on it`, { kind: 'guest', id: usedBy.id }) : perform({ do: 'image.remove' });
  }
  return observed.ready ? SETTLED : perform({ do: 'image.make' });
}
