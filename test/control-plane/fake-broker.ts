import type { HostId } from '@drover/shared/model/id';
import { Command, Reply } from '@drover/shared/protocol/message';
import { topicOf } from '@drover/shared/protocol/topic';
import type { Broker } from '../../control-plane/src/broker/broker.ts';
import type { Signer } from '../../control-plane/src/signer.ts';

/** A broker that keeps what was published, and speaks for hosts. */
export interface FakeBroker extends Broker {
  readonly published: { topic: string; payload: string; qos: 0 | 1 }[];
  readonly disconnected: HostId[];
  /** As if the host had published it. */
  say(hostId: HostId, leaf: 'up/report' | 'up/gone', body: unknown): void;
  sayOn(topic: string, bytes: Uint8Array): void;
  presence(hostId: HostId, connected: boolean): void;
  /** What was published since the last time that this was asked. */
  commands(): Command[];
  replies(): Reply[];
  isBroken: boolean;
}

export function createFakeBroker(): FakeBroker {
  let onMessage: (topic: string, payload: Uint8Array) => void = () => {};
  let onPresence: (hostId: HostId, connected: boolean) => void = () => {};
  function taken(leaf: string): string[] {
    const all = broker.published.splice(0);
    broker.published.push(...all.filter(({ topic }) => !topic.endsWith(leaf)));
    return all.filter(({ topic }) => topic.endsWith(leaf)).map(({ payload }) => payload);
  }
  const broker: FakeBroker = {
    published: [],
    disconnected: [],
    isBroken: false,
    async publish(topic, payload, qos) {
      if (broker.isBroken) throw new Error('the broker is broken');
      broker.published.push({ topic, payload: typeof payload === 'string' ? payload : new TextDecoder().decode(payload), qos });
    },
    onMessage: (listener) => {
      onMessage = listener;
    },
    onPresence: (listener) => {
      onPresence = listener;
    },
    serves: () => true,
    disconnect: (hostId) => void broker.disconnected.push(hostId),
    say: (hostId, leaf, body) => onMessage(topicOf('main', hostId, leaf), new TextEncoder().encode(JSON.stringify(body))),
    sayOn: (topic, bytes) => onMessage(topic, bytes),
    presence: (hostId, connected) => onPresence(hostId, connected),
    commands: () => taken('down/command').map((payload) => Command.parse(JSON.parse(payload.replace(/^signed:/, '')))),
    replies: () => taken('down/reply').map((payload) => Reply.loose().parse(JSON.parse(payload.replace(/^signed:/, '')))),
  };
  return broker;
}

/** Signs by saying so. */
export const fakeSigner: Signer = {
  keyId: 'fake',
  publicKeys: [{ kty: 'OKP', crv: 'Ed25519', x: 'S'.repeat(43) }],
  succession: [],
  rotate: async () => {},
  sign: async (payload) => `signed:${JSON.stringify(payload)}`,
  verify: async (jws) => JSON.parse(jws.replace(/^signed:/, '')),
};
