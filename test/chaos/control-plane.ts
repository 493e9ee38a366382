import { join } from 'node:path';
import type { Broker } from '../../control-plane/src/broker/broker.ts';
import type { Store } from '../../control-plane/src/db/store.ts';
import { openSigner } from '../../control-plane/src/node/signing-key.ts';
import { openVaultOf, SIGNING_KEY_FILE } from '../../control-plane/src/node/vault-of-folder.ts';
import { startControlPlane } from '../../control-plane/src/node.ts';
import { forgeriesOf } from './forger.ts';
import { createFuse, type Fuse } from './fuse.ts';
import { unruly } from './unruly.ts';

/** The whole control plane as people run it, with steps to die at around each commit and each message. */
const dataPath = process.env.DROVER_DATA ?? '';
const captured: { readonly topic: string; readonly payload: string }[] = [];
let replay = (): void => {};
const fuse = createFuse(
  () => {},
  (trouble) => trouble === 'replay' && replay(),
);
const controlPlane = await startControlPlane({
  dataPath,
  port: Number(process.env.DROVER_PORT),
  host: '127.0.0.1',
  webPath: '/nonexistent',
  version: 'chaos',
  publicUrl: null,
  log: (line) => console.log(line),
  clock: fuse.clock,
  between: { store: (store) => crashingStore(store, fuse), broker: (broker) => crashingBroker(broker, fuse) },
});
const vault = openVaultOf(join(dataPath, 'control-plane'), null, () => fuse.clock.now());
const signer = await openSigner(join(dataPath, 'control-plane', SIGNING_KEY_FILE), () => fuse.clock.now(), vault);
console.log(`control plane is at ${controlPlane.url}`);
process.once('SIGTERM', () => void controlPlane.close().then(() => process.exit(0)));

function crashingStore(store: Store, { point, troubles }: Fuse): Store {
  return {
    ...store,
    async commit(change) {
      if (troubles.has('full-disk')) throw new Error('SQLITE_FULL: database or disk is full');
      point('commit, before');
      const outcome = await store.commit(change);
      point('commit, after');
      return outcome;
    },
  };
}

/** Whatever a broker, and whoever sits on it, may do. */
function crashingBroker(broker: Broker, fuse: Fuse): Broker {
  const { point, troubles } = fuse;
  const deliver = unruly(fuse);
  // It may be away: whoever misses what was lost asks for it again.
  const lose = (delivery: Promise<void>): unknown => delivery.catch(() => {});
  replay = () => {
    for (const { topic, payload } of captured) lose(broker.publish(topic, payload, 1));
  };
  return {
    ...broker,
    async publish(topic, payload, qos) {
      const leaf = topic.slice(topic.lastIndexOf('/') + 1);
      if (leaf === 'command') {
        captured.push({ topic, payload: String(payload) });
        if (troubles.has('forged-messages'))
          for (const forged of await forgeriesOf(String(payload), signer)) lose(broker.publish(topic, forged, qos));
      }
      point(`publish ${leaf}, before`);
      const delivery = deliver(() => broker.publish(topic, payload, qos));
      if (troubles.size === 0) await delivery;
      else lose(delivery);
      point(`publish ${leaf}, after`);
    },
  };
}
