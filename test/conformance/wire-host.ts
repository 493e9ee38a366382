import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign, compactVerify, importJWK, type JWK } from 'jose';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { vi } from 'vitest';

/** A host as docs/protocol.md describes it, by hand: nothing of Drover's own code is in it. */

export type Json = ReturnType<typeof JSON.parse>;
export const WAIT = { timeout: 20_000, interval: 20 };

export interface Key {
  readonly publicJwk: { kty: 'OKP'; crv: 'Ed25519'; x: string };
  sign(claims: object, header?: object): Promise<string>;
}

export function makeKey(): Key {
  const pair: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ed25519');
  const { x = '' } = pair.publicKey.export({ format: 'jwk' });
  return {
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x },
    sign: (claims, header = {}) =>
      new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader({ alg: 'EdDSA', ...header })
        .sign(pair.privateKey),
  };
}

export const seconds = (ms: number): number => Math.floor(ms / 1_000);
const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
export const idOf = (key: Key): string => `host_${hex(key.publicJwk.x).slice(0, 20)}`;
export const fingerprintOf = (x: string): string => (hex(x).match(/.{4}/g) ?? []).join(' ');
const canonical = (value: Json): Json =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.keys(value)
          .sort()
          .map((name) => [name, canonical(value[name])]),
      )
    : Array.isArray(value)
      ? value.map(canonical)
      : value;
export const digestOf = (value: Json): string => hex(JSON.stringify(canonical(value))).slice(0, 32);
export const keyIdOf = (jwk: object): string => hex(JSON.stringify(canonical(jwk))).slice(0, 16);

export async function post(url: string, body: unknown): Promise<{ status: number; json: Json; date: string | null }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, json: await response.json().catch(() => null), date: response.headers.get('date') };
}

export async function enrolBody(key: Key, token: string, signer: Key = key): Promise<object> {
  return { token, publicKey: key.publicJwk, hostname: 'wire', proof: await signer.sign({ token, aud: 'drover-enrol' }) };
}

export async function connectBody(hostId: string, key: Key, over: object = {}): Promise<object> {
  return { hostId, request: await key.sign({ sub: hostId, aud: 'drover-connect', iat: seconds(Date.now()), ...over }) };
}

/** The payload of a command, when one of these keys has signed it. */
export async function payloadOf(jws: string, keys: readonly JWK[]): Promise<Json> {
  for (const key of keys) {
    const verified = await compactVerify(jws, await importJWK(key, 'EdDSA')).catch(() => null);
    if (verified) return { ...JSON.parse(new TextDecoder().decode(verified.payload)), kid: verified.protectedHeader.kid };
  }
  throw new Error('signed by none of the pinned keys');
}

export const INVENTORY = {
  ...{ hostname: 'wire', agentVersion: '0.1.0', os: 'Debian', kernel: '6', architecture: 'x86_64', cpuModel: 'a CPU', cores: 4 },
  ...{ memoryBytes: 8 * 2 ** 30, bootId: 'b', addresses: [], routes: [] },
  drivers: [{ port: 'guest', name: 'lxc', title: 'LXC', usable: true, capabilities: { type: 'container' } }],
  defaults: { storagePath: '/var/lib/drover/storage', bridge: 'drover0' },
};

/** One connection to the broker, with all that came over it. */
export class WireSession {
  readonly commands: Json[] = [];
  readonly replies: Json[] = [];
  readonly rawReplies: string[] = [];
  readonly closed: Promise<unknown>;

  private constructor(
    readonly client: MqttClient,
    readonly hostId: string,
    readonly session: string,
    private readonly cell: string,
    keys: readonly JWK[],
  ) {
    this.closed = new Promise((resolve) => client.once('close', () => resolve(null)));
    client.on('message', (topic, bytes) => {
      const text = bytes.toString();
      if (topic.endsWith('/down/command')) void payloadOf(text, keys).then((command) => this.commands.push(command));
      else if (text.startsWith('{')) {
        this.rawReplies.push(text);
        this.replies.push(JSON.parse(text));
      } else {
        this.rawReplies.push(text);
        void payloadOf(text, keys).then((reply) => this.replies.push(reply));
      }
    });
  }

  static async open(credentials: Json, hostId: string, keys: readonly JWK[], over: Partial<IClientOptions> = {}): Promise<WireSession> {
    const session = hex(`${Math.random()}`).slice(0, 20);
    const { username, clientId, password, cell, urls } = credentials;
    const gone = JSON.stringify({ v: 1, session, reason: 'connection lost' });
    const client = mqtt.connect(urls[0], {
      ...{ protocolVersion: 4, clean: true, username, clientId, password, keepalive: 30, reconnectPeriod: 0 },
      will: { topic: `drover/v1/${cell}/${hostId}/up/gone`, payload: Buffer.from(gone), qos: 1, retain: false },
      ...over,
    });
    client.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('close', () => reject(new Error('the broker hung up')));
    });
    const wire = new WireSession(client, hostId, session, cell, keys);
    await client.subscribeAsync(`drover/v1/${cell}/${hostId}/down/#`, { qos: 1 });
    return wire;
  }

  topic(leaf: string): string {
    return `drover/v1/${this.cell}/${this.hostId}/${leaf}`;
  }

  report(boot: number, sequence: number, over: object = {}): void {
    const envelope = { v: 1, host: this.hostId, session: this.session, boot, sequence, sentAtMs: Date.now() };
    this.client.publish(this.topic('up/report'), JSON.stringify({ ...envelope, statuses: [], log: [], ...over }), { qos: 1 });
  }

  hello(boot: number, sequence: number, over: object = {}, hello: object = {}): void {
    this.report(boot, sequence, { ...over, hello: { protocol: 1, run: 'r1', inventory: INVENTORY, journal: [], ...hello } });
  }

  async reply(boot: number, sequence: number): Promise<Json> {
    return vi.waitFor(() => {
      const found = this.replies.find((reply) => reply.boot === boot && reply.sequence === sequence);
      if (!found) throw new Error(`no reply to ${boot}/${sequence}`);
      return found;
    }, WAIT);
  }

  async command(matches: (command: Json) => boolean): Promise<Json> {
    return vi.waitFor(() => {
      const found = this.commands.find(matches);
      if (!found) throw new Error('no such command');
      return found;
    }, WAIT);
  }

  /** The connection breaks, without a farewell. */
  drop(): void {
    this.client.stream.destroy();
  }

  async end(): Promise<void> {
    await this.client.endAsync(true).catch(() => {});
  }
}

/** As an agent says of a resource that it is as wished. */
export const settled = (command: Json, over: object = {}): Json => {
  const { kind, id, generation, spec, deletion } = command.resource;
  const said = { kind, id, acked: generation, applied: generation, digest: digestOf({ spec, deletion }), condition: 'settled' };
  return { ...said, gone: deletion !== null, observed: kind === 'task' ? { state: 'done' } : { ready: true, power: 'stopped' }, ...over };
};
