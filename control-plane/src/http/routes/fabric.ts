import { NetworkView, StorageView } from '@drover/shared/api/views';
import { z } from 'zod';
import { NetworkPage, StoragePage } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onNetwork, onStorage, somewhere } from '../need.ts';
import { findPlaced } from '../placed.ts';
import { type Route, route } from '../route.ts';
import { networkView, pageOf, storageView } from '../views.ts';
import { ListAll, Ref } from './params.ts';

export function fabricRoutes({ store }: AppDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/storages',
      right: somewhere('Datastore.Audit'),
      tag: 'storages',
      summary: 'List storages by name',
      query: ListAll,
      response: StoragePage,
      async handler({ query, caller }) {
        const reach = caller.rights.within('Datastore.Audit', '/storage');
        return { body: pageOf(await store.allPlaced('storage', query, reach), storageView) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/storages/{storage}',
      right: onStorage('Datastore.Audit'),
      tag: 'storages',
      summary: 'One storage',
      params: z.object({ storage: Ref }),
      response: StorageView,
      async handler(call) {
        const view = storageView(await findPlaced(store, 'storage', call.params.storage));
        return { body: view, generation: view.generation };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/networks',
      right: somewhere('SDN.Audit'),
      tag: 'networks',
      summary: 'List networks by name',
      query: ListAll,
      response: NetworkPage,
      async handler({ query, caller }) {
        const reach = caller.rights.within('SDN.Audit', '/network');
        return { body: pageOf(await store.allPlaced('network', query, reach), networkView) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/networks/{network}',
      right: onNetwork('SDN.Audit'),
      tag: 'networks',
      summary: 'One network',
      params: z.object({ network: Ref }),
      response: NetworkView,
      async handler(call) {
        const view = networkView(await findPlaced(store, 'network', call.params.network));
        return { body: view, generation: view.generation };
      },
    }),
  ];
}
