import { Problem } from '@drover/shared/lib/problem';
import { RELAY_PATH } from '@drover/shared/protocol/agent-api';
import { WebSocket } from 'ws';
import type { RelayDialer, RelaySocket } from './relay.ts';

const DIAL_MS = 10_000;

/** Dials the control plane's relay over a WebSocket of its own, so that a stream never delays a command. */
export function createRelayDialer(controlPlaneUrl: string): RelayDialer {
  return (ticket, signal) =>
    new Promise((resolve, reject) => {
      const url = new URL(`${RELAY_PATH}${ticket}?side=host`, controlPlaneUrl);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      const socket = new WebSocket(url, { handshakeTimeout: DIAL_MS, perMessageDeflate: false, maxPayload: 1_048_576 });
      const fail = (cause: unknown) =>
        reject(new Problem('host-failed', 'the relay did not take the call: its ticket may have expired', { cause }));
      socket.once('error', fail);
      signal.addEventListener('abort', () => socket.terminate(), { once: true });
      socket.once('open', () => {
        socket.off('error', fail);
        // What breaks later also closes, and that is where it is dealt with.
        socket.on('error', () => {});
        resolve(relaySocket(socket));
      });
    });
}

/** Nothing is read before both kinds of frame have somebody who listens: the first input would be lost. */
function relaySocket(socket: WebSocket): RelaySocket {
  let listeners = 0;
  socket.pause();
  const listen = (isWanted: (isBinary: boolean) => boolean, receive: (bytes: Uint8Array) => void) => {
    socket.on('message', (message, isBinary) => {
      if (isWanted(isBinary)) receive(toBytes(message));
    });
    listeners += 1;
    if (listeners === 2) socket.resume();
  };
  return {
    sendBytes: (bytes) => socket.send(bytes, { binary: true }),
    sendText: (text) => socket.send(text),
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    onBytes: (receive) => listen((isBinary) => isBinary, receive),
    onText: (receive) =>
      listen(
        (isBinary) => !isBinary,
        (bytes) => receive(new TextDecoder().decode(bytes)),
      ),
    onClose: (closed) => socket.once('close', closed),
    close() {
      // A paused socket would never see the other side's farewell.
      socket.resume();
      socket.close(1000);
    },
  };
}

function toBytes(message: Buffer | ArrayBuffer | Buffer[]): Uint8Array {
  if (Array.isArray(message)) return Buffer.concat(message);
  return message instanceof ArrayBuffer ? new Uint8Array(message) : message;
}
