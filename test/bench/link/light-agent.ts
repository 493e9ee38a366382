import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { request } from 'node:http';
import { backoff } from '@drover/shared/lib/backoff';
import { realClock } from '@drover/shared/lib/clock';
import { digest } from '@drover/shared/lib/digest';
import { realRandom } from '@drover/shared/lib/random';
import type { Figures } from '@drover/shared/model/figures';
import { HostId } from '@drover/shared/model/id';
import { refKey } from '@drover/shared/model/resource';
import { Credentials, PublicKey } from '@drover/shared/protocol/agent-api';
import { Command, PROTOCOL_VERSION } from '@drover/shared/protocol/message';
import { downFilter, topicOf } from '@drover/shared/protocol/topic';
import { z } from 'zod';
import { INVENTORY } from '../../control-plane/app-world.ts';
import { GUEST_FIGURES, HOST_FIGURES } from './figures-said.ts';
import { connectPacket, type Packet, pubackPacket, publishPacket, subscribePacket } from './mqtt-bytes.ts';
import { HeldThing, statusOf } from './things.ts';
import { openWire, type Wire } from './wire.ts';

/**
 * An agent on the wire and nowhere else: signs with a key of its own, connects, says hello with its journal, takes commands, says
 * what came of them and that it is alive, and comes back as the real one does. It does not check signatures: a fleet's hosts do so
 * on processors of their own.
 */
export const LightIdentity = z.object({ id: HostId, publicKey: PublicKey, d: z.string(), things: z.array(HeldThing) });
export type LightIdentity = z.infer<typeof LightIdentity>;

/** As the real agent: agent/src/mqtt-link.ts and reporter.ts. */
const RETRY = { firstMs: 500, maxMs: 15_000 };
const CONNECT_MS = 15_000;
const HEARTBEAT_MS = 10_000;
const FIGURES_MS = 30_000;
const RESEND_MS = 3_000;

const REQUEST_MS = 30_000;

export interface FleetCounts {
  in: number;
  /** Reports that were answered, so stored. */
  replies: number;
  commands: number;
  /** Dials that came to nothing. */
  failures: number;
}

export class LightAgent {
  readonly #identity: LightIdentity;
  readonly #key: KeyObject;
  readonly #url: string;
  readonly #localAddress: string;
  readonly #counts: FleetCounts;
  readonly #things: Map<string, HeldThing>;
  #unsaid = new Map<string, HeldThing>();
  #wire: Wire | null = null;
  #topics = { up: '', down: '' };
  #session = '';
  #isIn = false;
  #helloDue = true;
  #inFlight: { readonly sequence: number; readonly said: ReadonlyMap<string, HeldThing> } | null = null;
  #attempts = 0;
  #boot = 1;
  #sequence = 0;
  #unanswered = 0;
  #counter = 0;
  /** They do not measure all at once. */
  #measuredAtMs = Date.now() - realRandom.fraction() * FIGURES_MS;
  #packetId = 0;
  #cancel: () => void = () => {};

  constructor(identity: LightIdentity, url: string, localAddress: string, counts: FleetCounts) {
    this.#identity = identity;
    this.#url = url;
    this.#localAddress = localAddress;
    this.#counts = counts;
    this.#key = createPrivateKey({ key: { ...identity.publicKey, d: identity.d }, format: 'jwk' });
    this.#things = new Map(identity.things.map((thing) => [refKey(thing), thing]));
  }

  start(): void {
    this.#dial();
  }

  /** Whoever it speaks to has died: it is in again once it is answered, whether its connection stays or not. */
  forget(): void {
    this.#setIn(false);
  }

  /** Something on the host is not as before, by itself: tells which guest, once the report is on its way. */
  change(): string {
    const [guest] = [...this.#things.values()].filter(({ kind }) => kind === 'guest');
    if (!guest) throw new Error('this host has no guest');
    this.#say({ ...guest, power: guest.power === 'running' ? 'stopped' : 'running' });
    return guest.id;
  }

  #after(delayMs: number, act: () => void): void {
    this.#cancel();
    this.#cancel = realClock.after(delayMs, act);
  }

  #setIn(isIn: boolean): void {
    if (isIn !== this.#isIn) this.#counts.in += isIn ? 1 : -1;
    this.#isIn = isIn;
  }

  #again(toldMs: number | null): void {
    this.#setIn(false);
    this.#wire = null;
    this.#attempts += 1;
    const delayMs = toldMs === null ? backoff(this.#attempts, realRandom.fraction(), RETRY) : toldMs + realRandom.fraction() * 1_000;
    this.#after(delayMs, () => this.#dial());
  }

  #dial(): void {
    this.#credentials().then(
      (answer) => {
        if (!('retryAfterMs' in answer)) return this.#connect(answer);
        this.#counts.failures += 1;
        this.#again(answer.retryAfterMs);
      },
      () => {
        this.#counts.failures += 1;
        this.#again(null);
      },
    );
  }

  #connect({ urls, username, clientId, password, certificate, cell, subQos }: Credentials): void {
    const { id } = this.#identity;
    this.#topics = { up: topicOf(cell, id, 'up/report'), down: downFilter(cell, id) };
    this.#session = realRandom.text(20);
    const gone = JSON.stringify({ v: PROTOCOL_VERSION, session: this.#session, reason: 'connection lost' });
    const shown = certificate === undefined ? {} : { shown: { certificate, key: this.#keyPem() } };
    const target = { url: urls[0] ?? '', localAddress: this.#localAddress, ...shown };
    const wire = openWire(target, {
      open: () => wire.send(connectPacket({ clientId, username, password, will: { topic: topicOf(cell, id, 'up/gone'), payload: gone } })),
      packet: (packet) => this.#take(packet, wire, subQos),
      close: () => {
        if (this.#wire === wire) this.#again(null);
      },
    });
    this.#wire = wire;
    this.#after(CONNECT_MS, () => wire.end());
  }

  #take(packet: Packet, wire: Wire, subQos: 0 | 1): void {
    if (packet.type === 'connack') {
      if (packet.code === 0) wire.send(subscribePacket(this.#nextPacketId(), this.#topics.down, subQos));
      else wire.end();
    } else if (packet.type === 'suback') {
      if (packet.granted > 1) wire.end();
      else {
        this.#unanswered = 0;
        this.#introduce();
      }
    } else if (packet.type === 'publish') {
      if (packet.id !== null) wire.send(pubackPacket(packet.id));
      const words = packet.payload.toString('utf8');
      if (packet.topic.endsWith('/down/command')) this.#command(words);
      else this.#replied(words);
    }
  }

  #introduce(): void {
    this.#helloDue = true;
    this.#inFlight = null;
    this.#unsaid = new Map(this.#things);
    this.#report();
  }

  #command(words: string): void {
    const { resource, counter } = Command.parse(claimsOf(words));
    const { kind, id, generation, spec, deletion } = resource;
    this.#counts.commands += 1;
    this.#counter = Math.max(this.#counter, counter);
    const before = this.#things.get(refKey(resource));
    if (before && before.generation >= generation) return;
    const power = spec.power === 'running' ? 'running' : 'stopped';
    this.#say({ kind, id, generation, digest: digest({ spec, deletion }), power, ...(deletion ? { isGone: true } : {}) });
  }

  #say(thing: HeldThing): void {
    this.#things.set(refKey(thing), thing);
    this.#unsaid.set(refKey(thing), thing);
    if (this.#isIn && !this.#inFlight) this.#report();
  }

  #replied(words: string): void {
    // Signed: our count of starts is too low.
    const reply = ReplyWords.parse(words.startsWith('{') ? JSON.parse(words) : claimsOf(words));
    if (reply.lastBoot !== undefined) this.#boot = Math.max(this.#boot, reply.lastBoot + 1);
    if (reply.helloWanted) {
      this.#introduce();
      return;
    }
    if (reply.sequence !== this.#inFlight?.sequence) return;
    this.#counts.replies += 1;
    this.#unanswered = 0;
    this.#attempts = 0;
    this.#helloDue = false;
    for (const [key, thing] of this.#inFlight.said) if (this.#unsaid.get(key) === thing) this.#unsaid.delete(key);
    this.#inFlight = null;
    this.#setIn(true);
    if (this.#unsaid.size > 0) this.#report();
    else this.#after(HEARTBEAT_MS, () => this.#report());
  }

  #report(): void {
    this.#sequence += 1;
    const said = new Map(this.#unsaid);
    this.#inFlight = { sequence: this.#sequence, said };
    const report = {
      v: PROTOCOL_VERSION,
      host: this.#identity.id,
      session: this.#session,
      boot: this.#boot,
      sequence: this.#sequence,
      sentAtMs: Date.now(),
      statuses: [...said.values()].map(statusOf),
      log: [],
      ...(this.#helloDue ? { hello: this.#hello() } : this.#figures()),
    };
    this.#wire?.send(publishPacket(this.#nextPacketId(), this.#topics.up, JSON.stringify(report)));
    // Nobody answered: said again.
    this.#after(Math.min(RESEND_MS * 2 ** this.#unanswered, HEARTBEAT_MS), () => this.#report());
    this.#unanswered += 1;
  }

  #hello(): unknown {
    const journal = [...this.#things.values()].map(({ kind, id, generation, digest }) => ({ kind, id, generation, digest }));
    const { id } = this.#identity;
    return { protocol: PROTOCOL_VERSION, run: id, counter: this.#counter, inventory: { ...INVENTORY, hostname: id.slice(5, 15) }, journal };
  }

  /** Every half minute, with a heartbeat: as many words as a real host says. */
  #figures(): { readonly figures?: Figures } {
    const nowMs = Date.now();
    if (nowMs - this.#measuredAtMs < FIGURES_MS) return {};
    this.#measuredAtMs = nowMs;
    const guests = [...this.#things.values()]
      .filter(({ kind }) => kind === 'guest')
      .map(({ id }) => ({ id: Number(id), ...GUEST_FIGURES }));
    return { figures: { atMs: nowMs, host: HOST_FIGURES, guests } };
  }

  #keyPem(): string {
    return this.#key.export({ format: 'pem', type: 'pkcs8' }).toString();
  }

  #nextPacketId(): number {
    this.#packetId = (this.#packetId % 65_535) + 1;
    return this.#packetId;
  }

  #signed(): string {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { sub: this.#identity.id, aud: 'drover-connect', iat: Math.floor(Date.now() / 1_000) };
    const said = `${part({ alg: 'EdDSA' })}.${part(claims)}`;
    return `${said}.${sign(null, Buffer.from(said), this.#key).toString('base64url')}`;
  }

  /** Over a connection of its own, as from a host of its own. */
  #credentials(): Promise<Credentials | { readonly retryAfterMs: number | null }> {
    const body = JSON.stringify({ hostId: this.#identity.id, request: this.#signed() });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { method: 'POST', agent: false, timeout: REQUEST_MS, localAddress: this.#localAddress, headers } as const;
    return new Promise((resolve, reject) => {
      const asked = request(`${this.#url}/agent/v1/connect`, options, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString('utf8');
        });
        response.on('error', reject);
        response.on('close', () => reject(new Error('the answer broke off')));
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Credentials.parse(JSON.parse(text)));
          else {
            const afterS = response.headers['retry-after'];
            resolve({ retryAfterMs: afterS === undefined ? null : Number(afterS) * 1_000 });
          }
        });
      });
      asked.on('error', reject);
      asked.on('timeout', () => asked.destroy(new Error('no answer')));
      asked.end(body);
    });
  }
}

const ReplyWords = z.object({ sequence: z.number(), helloWanted: z.boolean().default(false), lastBoot: z.number().optional() });
const claimsOf = (jws: string): unknown => JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'));
