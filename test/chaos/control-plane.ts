import type { Broker } from '../../control-plane/src/broker/broker.ts';
import type { Store } from '../../control-plane/src/db/store.ts';
import { startControlPlane } from '../../control-plane/src/node.ts';
import { createFuse, type Fuse } from './fuse.ts';

/** The whole control plane as people run it, with steps to die at around each commit and each message. */
const fuse = createFuse(() => {});
const controlPlane = await startControlPlane({
  dataPath: process.env.DROVER_DATA ?? '',
  port: Number(process.env.DROVER_PORT),
  host: '127.0.0.1',
  webPath: '/nonexistent',
  version: 'chaos',
  publicUrl: null,
  log: (line) => console.log(line),
  clock: fuse.clock,
  between: { store: (store) => crashingStore(store, fuse), broker: (broker) => crashingBroker(broker, fuse) },
});
console.log(`control plane is at ${controlPlane.url}`);
process.once('SIGTERM', () => void controlPlane.close().then(() => process.exit(0)));

function crashingStore(store: Store, { point }: Fuse): Store {
  return {
    ...store,
    async commit(change) {
      point('commit, before');
      const outcome = await store.commit(change);
      point('commit, after');
      return outcome;
    },
  };
}

function crashingBroker(broker: Broker, { point }: Fuse): Broker {
  return {
    ...broker,
    async publish(topic, payload, qos) {
      const leaf = topic.slice(topic.lastIndexOf('/') + 1);
      point(`publish ${leaf}, before`);
      await broker.publish(topic, payload, qos);
      point(`publish ${leaf}, after`);
    },
  };
}
