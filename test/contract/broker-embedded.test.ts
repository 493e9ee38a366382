import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { realClock } from '@drover/shared/lib/clock';
import type { HostId } from '@drover/shared/model/id';
import { brokerKeys } from '../../control-plane/src/broker/broker-keys.ts';
import { certificateAuthority } from '../../control-plane/src/broker/certificates.ts';
import { createEmbeddedBroker } from '../../control-plane/src/broker/embedded.ts';
import { listenForTls } from '../../control-plane/src/broker/embedded-tls.ts';
import { type BrokerWorld, describeBroker, type LightHost } from './broker.ts';

/** Passwords as simple as can be: how they are made and checked is tested where they are. */
async function world(over: 'WebSockets' | 'TLS'): Promise<BrokerWorld> {
  const cutOff = new Set<HostId>();
  const broker = await createEmbeddedBroker({
    clock: realClock,
    refused: () => {},
    async hostOfPassword(password) {
      // Sound: only light hosts come here.
      const hostId = password as HostId;
      if (cutOff.has(hostId)) throw new Error('cut off');
      return { hostId, expiresAtMs: Date.now() + 60_000 };
    },
  });
  const authority = await certificateAuthority(brokerKeys(new Uint8Array(32).fill(7)));
  const server = createServer();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => broker.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const tls = await listenForTls(broker, await authority.server(['localhost'], Date.now()), { port: 0, host: '127.0.0.1' });
  const webSocketPort = address !== null && typeof address !== 'string' ? address.port : 0;
  return {
    broker,
    url: over === 'TLS' ? `mqtts://localhost:${tls.port}` : `ws://127.0.0.1:${webSocketPort}/mqtt`,
    login: async ({ id }: LightHost) => ({
      username: id,
      clientId: id,
      password: id,
      subQos: 1,
      expiresAtMs: Date.now() + 60_000,
      ...(over === 'TLS' ? { authority: authority.certificate } : {}),
    }),
    async cutOff({ id }) {
      cutOff.add(id);
      broker.disconnect(id);
    },
    async close() {
      await broker.close();
      await tls.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describeBroker('The broker in the process, over WebSockets', () => world('WebSockets'));
describeBroker('The broker in the process, over TCP with TLS', () => world('TLS'));
