/** The few packets of MQTT 3.1.1 that an agent needs, written and read by hand: ten thousand connections have to fit into two processes. */
export interface MqttLogin {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly will: { readonly topic: string; readonly payload: string } | null;
}

export type Packet =
  | { readonly type: 'connack'; readonly code: number }
  | { readonly type: 'suback'; readonly granted: number }
  | { readonly type: 'publish'; readonly topic: string; readonly payload: Buffer; readonly id: number | null }
  | { readonly type: 'other' };

const KEEPALIVE_S = 30;
const CLEAN = 0x02;
const WILL_QOS_1 = 0x0c;
const USER_AND_PASSWORD = 0xc0;

export function connectPacket({ clientId, username, password, will }: MqttLogin): Buffer {
  const flags = CLEAN | USER_AND_PASSWORD | (will ? WILL_QOS_1 : 0);
  const head = Buffer.concat([text('MQTT'), Buffer.from([4, flags, KEEPALIVE_S >> 8, KEEPALIVE_S & 0xff])]);
  return packet(0x10, head, text(clientId), ...(will ? [text(will.topic), text(will.payload)] : []), text(username), text(password));
}

export const subscribePacket = (id: number, filter: string, qos: 0 | 1): Buffer =>
  packet(0x82, short(id), text(filter), Buffer.from([qos]));
export const publishPacket = (id: number, topic: string, payload: string): Buffer =>
  packet(0x32, text(topic), short(id), Buffer.from(payload));
export const pubackPacket = (id: number): Buffer => packet(0x40, short(id));

function packet(head: number, ...parts: readonly Buffer[]): Buffer {
  let left = parts.reduce((sum, part) => sum + part.length, 0);
  const length: number[] = [];
  do {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([head, ...length]), ...parts]);
}

const short = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([short(bytes.length), bytes]);
};

/** Takes bytes as they come, gives whole packets. */
export function packetReader(take: (packet: Packet) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const end = endOfFirst(rest);
      if (end === null) return;
      take(parsed(rest.subarray(0, end.at), end.bodyAt));
      rest = rest.subarray(end.at);
    }
  };
}

function endOfFirst(bytes: Buffer): { readonly at: number; readonly bodyAt: number } | null {
  let length = 0;
  for (let index = 1; index < Math.min(bytes.length, 5); index += 1) {
    const byte = bytes[index] ?? 0;
    length += (byte & 0x7f) * 128 ** (index - 1);
    if (byte < 0x80) return bytes.length > index + length ? { at: index + 1 + length, bodyAt: index + 1 } : null;
  }
  return null;
}

function parsed(bytes: Buffer, bodyAt: number): Packet {
  const head = bytes[0] ?? 0;
  switch (head >> 4) {
    case 2:
      return { type: 'connack', code: bytes[bodyAt + 1] ?? 0xff };
    case 9:
      return { type: 'suback', granted: bytes[bodyAt + 2] ?? 0x80 };
    case 3: {
      const topicEnd = bodyAt + 2 + bytes.readUInt16BE(bodyAt);
      const hasId = (head & 0x06) !== 0;
      const topic = bytes.toString('latin1', bodyAt + 2, topicEnd);
      const payload = bytes.subarray(topicEnd + (hasId ? 2 : 0));
      return { type: 'publish', topic, payload, id: hasId ? bytes.readUInt16BE(topicEnd) : null };
    }
    default:
      return { type: 'other' };
  }
}
