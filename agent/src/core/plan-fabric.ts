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

export function planImage(wish: Wish<'image'>, observed: ObservedFabric & { readonly storageReady: boolean }): Plan {
  if (!observed.storageReady) return waitFor('its storage', { kind: 'storage', id: wish.spec.storageId });
  if (wish.deletion) return observed.exists && wish.deletion.destroys.includes('files') ? perform({ do: 'image.remove' }) : GONE;
  return observed.ready ? SETTLED : perform({ do: 'image.make' });
}
