import type { ApiClient } from '../api-client.ts';
import { guestOrders } from '../guest-orders.ts';
import { watchForSign } from '../inside-sign.ts';
import { type ContainerContender, SIGN_PATH } from './contender.ts';

export interface DroverContainersOptions {
  readonly api: ApiClient;
  readonly image: string;
  /** Where the host keeps guests. */
  readonly storagePath: string;
}

/** Containers through Drover's REST API. */
export function droverContainers({ api, image, storagePath }: DroverContainersOptions): ContainerContender {
  const orders = guestOrders(api);
  return {
    name: 'Drover',
    async create(container) {
      await orders.create({ type: 'container', name: container, image, memoryBytes: 64 * 2 ** 20 });
    },
    async start(container) {
      const sign = watchForSign(`${storagePath}/guests/${orders.idOf(container)}/disks/root/rootfs/${SIGN_PATH}`);
      try {
        const begunAtMs = performance.now();
        const [seenAtMs, insideAtMs] = await Promise.all([orders.power(container, 'start', 'running'), sign.seenAtMs]);
        return { seenMs: seenAtMs - begunAtMs, insideMs: insideAtMs - begunAtMs };
      } finally {
        sign.close();
      }
    },
    status: orders.look,
    async list() {
      await api.call('GET', '/guests?limit=20');
    },
    async stop(container) {
      await orders.power(container, 'stop', 'stopped');
    },
    remove: orders.remove,
  };
}
