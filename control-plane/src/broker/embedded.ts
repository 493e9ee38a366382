import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@drover/shared/lib/clock';
import { inOnePiece } from '@drover/shared/lib/one-piece';
import type { HostId } from '@drover/shared/model/id';
import { MESSAGE_BYTES_MAX } from '@drover/shared/protocol/message';
import { PACKET_BYTES_MAX, packetSizeCheck } from '@drover/shared/protocol/packet-size';
import { DEFAULT_CELL, downFilter, mayPublish, upFilter } from '@drover/shared/protocol/topic';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import type { Broker } from './broker.ts';

export const MQTT_PATH = '/mqtt';

export interface EmbeddedBroker extends Broker {
  /** Takes an HTTP upgrade when it is for the broker, and answers whether it was. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Takes a connection that speaks MQTT itself. */
  accept(socket: Duplex): void;
  disconnectAll(): void;
  close(): Promise<void>;
}

export interface EmbeddedPorts {
  readonly clock: Clock;
  /** The host that a password lets in, and until when; throws when it does not. */
  readonly hostOfPassword: (password: string) => Promise<{ readonly hostId: HostId; readonly expiresAtMs: number }>;
  readonly refused: (reason: string) => void;
}

/** aedes in this process, over WebSockets on the API's own port. Hosts come with short-lived passwords and speak only for themselves. */
export async function createEmbeddedBroker(ports: EmbeddedPorts): Promise<EmbeddedBroker> {
  const { clock, refused } = ports;
  const hosts = new Map<string, { client: Client; cancelExpiry: () => void }>();
  let presence: (hostId: HostId, connected: boolean) => void = () => {};
  const identities = new WeakMap<Client, HostId>();

  const aedes = await Aedes.createBroker({
    concurrency: 5_000,
    drainTimeout: 10_000,
    keepaliveLimit: 300,
    maxTopicLevels: 12,
    maxClientsIdLength: 64,
    // Nothing is kept for a client that is away: what it missed is in the outbox.
    preConnect(_client, packet, done) {
      const isFine = packet.clean !== false && packet.protocolVersion === 4;
      // Without an error aedes would leave the connection open, for as long as its other end likes.
      done(isFine ? null : new Error('only clean sessions of MQTT 3.1.1'), isFine);
    },
    authenticate(client, username, password, done) {
      ports.hostOfPassword(password?.toString('utf8') ?? '').then(
        ({ hostId, expiresAtMs }) => {
          if (username !== hostId || client.id !== hostId) {
            done(refusal('user name, client id and password are of different hosts'), false);
            return;
          }
          identities.set(client, hostId);
          const cancelExpiry = clock.after(Math.max(expiresAtMs - clock.now(), 0), () => client.close());
          hosts.get(hostId)?.cancelExpiry();
          hosts.set(hostId, { client, cancelExpiry });
          done(null, true);
        },
        (error: unknown) => {
          refused(`a connection to the broker was refused: ${error instanceof Error ? error.message : String(error)}`);
          done(refusal('not a valid password'), false);
        },
      );
    },
    authorizePublish(client, packet, done) {
      // Our own publications have no client.
      if (!client) return done(null);
      const hostId = identities.get(client);
      const isAllowed =
        hostId !== undefined &&
        mayPublish(DEFAULT_CELL, hostId, packet.topic) &&
        !packet.retain &&
        packet.payload.length <= MESSAGE_BYTES_MAX;
      if (!isAllowed) refused(`${client.id} may not publish to ${JSON.stringify(packet.topic.slice(0, 200))}`);
      done(isAllowed ? null : new Error('not allowed'));
    },
    authorizeSubscribe(client, subscription, done) {
      const hostId = identities.get(client);
      done(null, hostId !== undefined && subscription.topic === downFilter(DEFAULT_CELL, hostId) ? subscription : null);
    },
  });

  aedes.on('clientReady', (client) => {
    const hostId = identities.get(client);
    if (hostId) presence(hostId, true);
  });
  aedes.on('clientDisconnect', (client) => {
    const hostId = identities.get(client);
    const current = hostId && hosts.get(hostId);
    // The same host may be back over a newer connection already.
    if (!hostId || !current || current.client !== client) return;
    current.cancelExpiry();
    hosts.delete(hostId);
    presence(hostId, false);
  });
  // Broken connections are the usual end of a connection; clientDisconnect follows.
  aedes.on('clientError', () => {});
  aedes.on('connectionError', () => {});

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: PACKET_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: (protocols) => (protocols.has('mqtt') ? 'mqtt' : false),
  });

  return {
    upgrade(request, socket, head) {
      if (new URL(request.url ?? '/', 'http://drover.invalid').pathname !== MQTT_PATH) return false;
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        aedes.handle(limited(webSocket), request);
      });
      return true;
    },
    accept(socket) {
      aedes.handle(socket);
      const check = packetSizeCheck(PACKET_BYTES_MAX);
      // After aedes has begun to read: it decides when the next piece is taken.
      socket.on('data', (chunk: Uint8Array) => {
        if (!check(chunk)) socket.destroy();
      });
    },
    publish: (topic, payload, qos) =>
      new Promise((resolve, reject) => {
        const packet = { cmd: 'publish', topic, payload: Buffer.from(payload), qos, retain: false, dup: false } as const;
        aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
      }),
    onMessage(listener) {
      aedes.subscribe(
        upFilter(DEFAULT_CELL),
        (packet, done) => {
          const { payload } = packet;
          listener(packet.topic, typeof payload === 'string' ? Buffer.from(payload) : payload);
          done();
        },
        () => {},
      );
    },
    onPresence(listener) {
      presence = listener;
    },
    serves: (cell) => cell === DEFAULT_CELL,
    disconnect: (hostId) => hosts.get(hostId)?.client.close(),
    disconnectAll() {
      for (const { client } of hosts.values()) client.close();
    },
    close: () =>
      new Promise((resolve) => {
        for (const { cancelExpiry } of hosts.values()) cancelExpiry();
        for (const socket of sockets.clients) socket.close(1001, 'the control plane is stopping');
        aedes.close(() => resolve());
      }),
  };
}

const refusal = (reason: string): AuthenticateError => Object.assign(new Error(reason), { returnCode: 4 });

/** The WebSocket as the stream that aedes reads, cut off when a packet announces too much. */
function limited(webSocket: WebSocket): Duplex {
  const check = packetSizeCheck(PACKET_BYTES_MAX);
  webSocket.on('message', (bytes: Buffer) => {
    if (!check(bytes)) webSocket.terminate();
  });
  const stream = createWebSocketStream(webSocket);
  inOnePiece(stream);
  return stream;
}
