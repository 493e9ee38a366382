import type { Broker } from '../../control-plane/src/broker/broker.ts';
import type { Store } from '../../control-plane/src/db/store.ts';
import { startControlPlane } from '../../control-plane/src/node.ts';
import { createFuse, type Fuse } from './fuse.ts';

const LATE_MS = 3_000;

/** The whole control plane as people run it, with steps to die at around each commit and each message. */
const captured: { readonly topic: string; readonly payload: Uint8Array | string }[] = [];
let replay = (): void => {};
const fuse = createFuse(
  () => {},
  (trouble) => trouble === 'replay' && replay(),
);
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

/** Whatever a broker may do: say things twice, in another order, late, and again long after. */
function crashingBroker(broker: Broker, { point, troubles, clock }: Fuse): Broker {
  replay = () => {
    for (const { topic, payload } of captured) void broker.publish(topic, payload, 1);
  };
  let held: (() => void) | null = null;
  async function deliver(topic: string, payload: Uint8Array | string, qos: 0 | 1): Promise<void> {
    if (troubles.has('late-messages')) await clock.sleep(LATE_MS);
    if (troubles.has('reordered-messages') && !held) {
      // Kept back until another one has overtaken it.
      await new Promise<void>((resolve) => {
        held = resolve;
        clock.after(LATE_MS, resolve);
      });
    }
    await broker.publish(topic, payload, qos);
    held?.();
    held = null;
    if (troubles.has('doubled-messages')) await broker.publish(topic, payload, qos);
  }
  return {
    ...broker,
    async publish(topic, payload, qos) {
      const leaf = topic.slice(topic.lastIndexOf('/') + 1);
      if (leaf === 'command') captured.push({ topic, payload });
      point(`publish ${leaf}, before`);
      const delivery = deliver(topic, payload, qos);
      if (troubles.size === 0) await delivery;
      point(`publish ${leaf}, after`);
    },
  };
}
