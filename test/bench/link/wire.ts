import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Packet, packetReader } from './mqtt-bytes.ts';

/** A connection to a broker: MQTT over a WebSocket, over TCP, or over TLS with a certificate. */
export interface Wire {
  send(packet: Buffer): void;
  end(): void;
}

export interface WireTarget {
  readonly url: string;
  /** One machine has 28,000 ports for each of its addresses. */
  readonly localAddress: string;
  /** PEM: what the broker of an mqtts address knows its clients by. */
  readonly shown?: { readonly certificate: string; readonly key: string };
}

export interface WireEvents {
  readonly open: () => void;
  readonly packet: (packet: Packet) => void;
  /** Once. */
  readonly close: () => void;
}

export function openWire(target: WireTarget, events: WireEvents): Wire {
  const url = new URL(target.url);
  return url.protocol === 'ws:' ? webSocket(url, target, events) : plain(dial(url, target, events.open), events);
}

function plain(socket: Socket, events: WireEvents): Wire {
  follow(socket, packetReader(events.packet), events.close);
  return { send: (packet) => void socket.write(packet), end: () => socket.destroy() };
}

/** Who the broker is, is not looked at: a fleet's hosts do so on processors of their own. */
function dial({ protocol, hostname, port }: URL, { localAddress, shown }: WireTarget, open: () => void): Socket {
  const where = { host: hostname, port: Number(port), localAddress };
  if (protocol !== 'mqtts:') return connect(where, open);
  const certified = shown ? { cert: shown.certificate, key: shown.key } : {};
  return connectTls({ ...where, ...certified, rejectUnauthorized: false }, open);
}

function follow(socket: Socket, take: (chunk: Buffer) => void, close: () => void): void {
  socket.setNoDelay(true);
  socket.on('data', take);
  socket.on('error', () => {});
  socket.on('close', close);
}

function webSocket(url: URL, target: WireTarget, events: WireEvents): Wire {
  const socket = dial(url, target, () => socket.write(upgradeRequest(url.host, url.pathname)));
  const take = framesOf(events.open, packetReader(events.packet), () => socket.destroy());
  follow(socket, take, events.close);
  return {
    send: (packet) => void socket.write(Buffer.concat([frameHead(packet.length), packet])),
    end: () => socket.destroy(),
  };
}

const upgradeRequest = (host: string, path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`;

const BINARY = 0x82;
const CLOSE = 8;

/** A client masks what it sends; with zeros, nothing has to be computed. */
function frameHead(length: number): Buffer {
  if (length < 126) return Buffer.from([BINARY, 0x80 | length, 0, 0, 0, 0]);
  if (length < 65_536) return Buffer.from([BINARY, 0xfe, length >> 8, length & 0xff, 0, 0, 0, 0]);
  const head = Buffer.alloc(14);
  head[0] = BINARY;
  head[1] = 0xff;
  head.writeUInt32BE(length, 6);
  return head;
}

/** What comes after the answer to the upgrade, frame by frame. */
function framesOf(open: () => void, read: (payload: Buffer) => void, refuse: () => void): (chunk: Buffer) => void {
  let isOpen = false;
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!isOpen) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!rest.toString('latin1', 0, 12).endsWith(' 101')) return refuse();
      isOpen = true;
      rest = rest.subarray(end + 4);
      open();
    }
    for (;;) {
      const frame = firstFrame(rest);
      if (!frame) return;
      rest = rest.subarray(frame.end);
      if (frame.opcode === CLOSE) return refuse();
      read(frame.payload);
    }
  };
}

function firstFrame(bytes: Buffer): { readonly opcode: number; readonly payload: Buffer; readonly end: number } | null {
  if (bytes.length < 2) return null;
  const short = (bytes[1] ?? 0) & 0x7f;
  const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < headLength) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? bytes.readUInt32BE(6) : short;
  const end = headLength + length;
  return bytes.length < end ? null : { opcode: (bytes[0] ?? 0) & 0x0f, payload: bytes.subarray(headLength, end), end };
}
