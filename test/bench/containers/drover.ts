import type { DroverWorld } from '../drover-world.ts';
import { guestOrders } from '../guest-orders.ts';
import type { BenchImages } from '../images.ts';
import { watchForSign } from '../inside-sign.ts';
import { type ContainerContender, SIGN_PATH } from './contender.ts';

/** Containers through Drover's REST API. */
export function droverContainers({ client, storagePath }: DroverWorld, images: BenchImages): ContainerContender {
  const orders = guestOrders(client);
  return {
    name: 'Drover',
    async create(container, image = 'busybox') {
      await orders.create({ type: 'container', name: container, image: images.get(image)?.id, memoryBytes: 64 * 2 ** 20 });
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
      await client.call('GET', '/guests?limit=20');
    },
    async stop(container) {
      await orders.power(container, 'stop', 'stopped');
    },
    remove: orders.remove,
  };
}
