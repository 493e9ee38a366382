import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@drover/shared/lib/clock';
import { RELAY_PATH } from '@drover/shared/protocol/agent-api';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { FRAME_BYTES_MAX, type Relay, type RelaySocket } from './relay.ts';

const PING_MS = 20_000;
const Query = z.object({ ticket: z.string().regex(/^[a-z0-9]{40}$/), side: z.enum(['person', 'host']) });

/** WebSockets for the relay on Node. Answers whether the upgrade was for it. */
export function relayUpgrades(relay: Relay, clock: Clock): (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false, clientTracking: false });
  return (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'http://drover.invalid');
    if (!url.pathname.startsWith(RELAY_PATH)) return false;
    const query = Query.safeParse({ ticket: url.pathname.slice(RELAY_PATH.length), side: url.searchParams.get('side') });
    if (!query.success) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return true;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      keepAlive(webSocket, clock);
      relay.join(query.data.ticket, query.data.side, relaySocketOf(webSocket));
    });
    return true;
  };
}

export function relaySocketOf(webSocket: WebSocket): RelaySocket {
  // An error is always followed by `close`, which the relay acts on.
  webSocket.on('error', () => undefined);
  return {
    send: (frame, sent) => webSocket.send(frame, () => sent()),
    bufferedBytes: () => webSocket.bufferedAmount,
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
    close: (code, reason) => {
      // Paused, it would never read the other side's half of the closing handshake.
      webSocket.resume();
      webSocket.close(code, reason);
    },
    onFrame: (receive) => webSocket.on('message', (bytes: Buffer, isBinary: boolean) => receive(isBinary ? bytes : bytes.toString('utf8'))),
    onClose: (closed) => webSocket.on('close', closed),
  };
}

/** Ends a connection whose other end has silently gone, and keeps NATs on the way from forgetting it. */
function keepAlive(webSocket: WebSocket, clock: Clock): void {
  let isAlive = true;
  let cancel = clock.after(PING_MS, ping);
  webSocket.on('pong', () => {
    isAlive = true;
  });
  webSocket.on('close', () => cancel());
  function ping(): void {
    if (!isAlive) {
      webSocket.terminate();
      return;
    }
    // A paused socket reads no pongs: it is waiting for us, not dead.
    isAlive = webSocket.isPaused;
    webSocket.ping();
    cancel = clock.after(PING_MS, ping);
  }
}
