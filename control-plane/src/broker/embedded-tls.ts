import { createServer } from 'node:tls';
import { Problem } from '@drover/shared/lib/problem';
import type { CertificateAndKey } from './certificates.ts';
import type { EmbeddedBroker } from './embedded.ts';

const HANDSHAKE_MS = 15_000;
/** After a restart all hosts come at once. */
const BACKLOG = 4_096;

/** The embedded broker over TCP with TLS as well: for hosts that reach nothing but MQTT's own port. */
export async function listenForTls(
  broker: Pick<EmbeddedBroker, 'accept'>,
  { certificate, key }: CertificateAndKey,
  { port, host }: { readonly port: number; readonly host: string | null },
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer({ cert: certificate, key, noDelay: true, handshakeTimeout: HANDSHAKE_MS, minVersion: 'TLSv1.2' });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy());
    broker.accept(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new Problem('in-use', `cannot listen for MQTT on port ${port}: ${cause.message}`, {
          suggestion: 'set DROVER_MQTT_PORT to a free one',
          cause,
        }),
      );
    });
    server.listen({ port, backlog: BACKLOG, ...(host === null ? {} : { host }) }, resolve);
  });
  const address = server.address();
  return {
    port: address !== null && typeof address !== 'string' ? address.port : port,
    // Its connections are the broker's, which has ended them.
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
