import { backoff } from '@drover/shared/lib/backoff';
import { Problem } from '@drover/shared/lib/problem';
import type { HostId } from '@drover/shared/model/id';
import { type Gone, MESSAGE_BYTES_MAX, PROTOCOL_VERSION } from '@drover/shared/protocol/message';
import { DEFAULT_CELL, type Leaf, parseTopic, topicOf } from '@drover/shared/protocol/topic';
import type { Inbound, InboundPorts } from '../../agent/src/inbound.ts';
import type { Link, LinkHandlers } from '../../agent/src/link.ts';
import type { Broker } from '../../control-plane/src/broker/broker.ts';
import { Adversary } from './adversary.ts';
import type { Chance } from './chance.ts';
import type { Life } from './life.ts';
import { Releases } from './releases.ts';
import { isSealed, openSeal } from './signer.ts';
import type { Timeline } from './timeline.ts';

/** How badly the network treats messages. Nothing is lost, repeated or late when all are zero. */
export interface NetworkWeather {
  loss: number;
  duplication: number;
  /** The chance that a message is held up for seconds, and so overtaken by later ones. */
  lateness: number;
  lateMsMax: number;
  /** The chance that a command gives somebody on the broker an idea. */
  hostility: number;
}

export interface Seen {
  readonly hostId: HostId;
  readonly leaf: Leaf;
  readonly text: string;
}

interface Connection {
  readonly hostId: HostId;
  readonly session: string;
  readonly life: Life;
  readonly handlers: LinkHandlers;
  readonly inbound: Inbound;
  /** Somebody at the other end works. */
  readonly replied: () => void;
  /** A command has expired: one of the two clocks was set, perhaps. */
  readonly renew: () => void;
  /** Messages are taken one at a time, in the order they come. */
  received: Promise<void>;
  open: boolean;
}

interface Subscriber {
  readonly life: Life;
  onMessage: (topic: string, payload: Uint8Array) => void;
  onPresence: (hostId: HostId, connected: boolean) => void;
}

const KEEPALIVE_MS = 45_000;
/** As those of the real link. */
const RENEW_MS = 60_000;
const RETRY = { firstMs: 500, maxMs: 15_000 };

/** Broker and network at once: carries messages between agents and control planes, as badly as it is told. */
export class Network {
  readonly weather: NetworkWeather = { loss: 0, duplication: 0, lateness: 0, lateMsMax: 0, hostility: 0 };
  /** Directions that are cut, per host. A cut is noticed only when the keep-alive runs out. */
  readonly cut = new Map<HostId, { up: boolean; down: boolean }>();
  /** The broker lives and dies with the control plane, or it is a program of its own. */
  isEmbedded = true;
  /** Whether control planes and agents are of one release. */
  readonly releases = new Releases();
  readonly #connections = new Map<HostId, Connection>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #adversary: Adversary;
  #sent = 0;

  constructor(
    private readonly timeline: Timeline,
    private readonly chance: Chance,
    private readonly log: (line: string) => void,
    private readonly sees: (message: Seen) => void,
  ) {
    this.#adversary = new Adversary(chance.fork('adversary'));
  }

  /** Messages handed over so far. */
  get sent(): number {
    return this.#sent;
  }

  isConnected(hostId: HostId): boolean {
    return this.#connections.has(hostId);
  }

  /** A control plane's own view of the broker. */
  brokerFor(life: Life): Broker {
    const subscriber: Subscriber = { life, onMessage: () => {}, onPresence: () => {} };
    this.#subscribers.add(subscriber);
    return {
      publish: async (topic, payload) => {
        life.point(`publish ${topic}`);
        if (!life.isAlive) return;
        const parsed = parseTopic(topic);
        const text = typeof payload === 'string' ? payload : new TextDecoder().decode(payload);
        if (parsed?.leaf === 'down/command') this.command(parsed.hostId as HostId, this.releases.down(text));
        else if (parsed) this.#carryDown(parsed.hostId as HostId, parsed.leaf, text);
        life.point(`published ${topic}`);
      },
      onMessage(listener) {
        subscriber.onMessage = listener;
      },
      onPresence(listener) {
        subscriber.onPresence = listener;
      },
      serves: () => true,
      disconnect: (hostId) => this.drop(hostId),
    };
  }

  /** Carries a command, sealed, to a host. */
  command(hostId: HostId, text: string): void {
    this.#carryDown(hostId, 'down/command', text);
  }

  /** The end of a control plane: with an embedded broker all connections end. */
  controlPlaneEnded(life: Life): void {
    for (const subscriber of this.#subscribers) if (subscriber.life === life) this.#subscribers.delete(subscriber);
    if (this.isEmbedded && this.#subscribers.size === 0) this.dropAll();
  }

  dropAll(): void {
    for (const hostId of [...this.#connections.keys()]) this.drop(hostId);
  }

  /** Ends a host's connection; both sides notice at once. */
  drop(hostId: HostId): void {
    const connection = this.#connections.get(hostId);
    if (connection) this.#close(connection, true);
  }

  cutOff(hostId: HostId, directions: { up: boolean; down: boolean }): void {
    this.cut.set(hostId, directions);
    this.timeline.after(KEEPALIVE_MS, () => {
      if (this.cut.get(hostId) === directions) this.drop(hostId);
    });
  }

  heal(hostId: HostId): void {
    this.cut.delete(hostId);
  }

  /** The link of one life of an agent, which believes what `inbound` believes. */
  linkFor(hostId: HostId, life: Life, inbound: (ports: InboundPorts) => Inbound): Link {
    // As the real one does: how far the control plane's clock is ahead is learnt as it connects.
    let aheadMs = 0;
    const believes = inbound({
      hostId,
      payloadOf: async (jws) => (isSealed(jws) ? openSeal(jws) : null),
      now: () => life.clock.now() + aheadMs,
    });
    let connection: Connection | null = null;
    let attempts = 0;
    let closed = false;
    let renewedAtMs = Number.NEGATIVE_INFINITY;
    const retry = (handlers: LinkHandlers): void => {
      attempts += 1;
      life.clock.after(backoff(attempts, this.chance.fraction(), RETRY), () => dial(handlers));
    };
    const dial = (handlers: LinkHandlers): void => {
      if (closed || !life.isAlive) return;
      life.clock.after(this.chance.between(1, 40), () => {
        if (closed) return;
        if (!this.#canConnect(hostId)) return retry(handlers);
        const [theirs] = this.#subscribers;
        aheadMs = offsetOf(theirs?.life.clock.now() ?? 0, life.clock.now());
        const session = this.chance.text(20);
        const made: Connection = {
          ...{ hostId, session, life, handlers, inbound: believes, received: Promise.resolve(), open: true },
          replied: () => {
            attempts = 0;
          },
          renew: () => {
            if (Math.abs(life.clock.now() - renewedAtMs) < RENEW_MS) return;
            renewedAtMs = life.clock.now();
            this.#close(made, true);
          },
        };
        connection = made;
        this.#connect(made, () => {
          if (connection === made) connection = null;
          if (life.isAlive) handlers.down();
          retry(handlers);
        });
      });
    };
    return {
      open: dial,
      send: (message) => {
        life.point(`send ${message.do}`);
        if (!life.isAlive || !connection?.open) return;
        const [leaf, body] = message.do === 'report' ? (['up/report', message.report] as const) : (['up/gone', message.gone] as const);
        const text = JSON.stringify(body);
        this.#carryUp(hostId, leaf, leaf === 'up/report' ? this.releases.up(hostId, text) : text);
      },
      close: async () => {
        closed = true;
        if (connection) this.#close(connection, false);
      },
    };
  }

  readonly #onClosed = new Map<Connection, () => void>();

  #canConnect(hostId: HostId): boolean {
    const cut = this.cut.get(hostId);
    // Whatever broker it is: credentials for it are to be had of a control plane alone.
    return !cut?.up && !cut?.down && this.#subscribers.size > 0;
  }

  #connect(connection: Connection, closed: () => void): void {
    const { hostId, handlers, life } = connection;
    const before = this.#connections.get(hostId);
    // A client of the same name takes the place of the one before, whose last will is published.
    if (before) this.#close(before, true);
    this.#connections.set(hostId, connection);
    this.#onClosed.set(connection, closed);
    this.log(`${hostId} is connected`);
    this.#presence(hostId, true);
    life.clock.after(this.chance.between(1, 10), () => {
      if (connection.open) handlers.up(connection.session);
    });
  }

  #close(connection: Connection, isAbrupt: boolean): void {
    if (!connection.open) return;
    connection.open = false;
    const { hostId } = connection;
    if (this.#connections.get(hostId) === connection) this.#connections.delete(hostId);
    this.log(`${hostId} is disconnected`);
    this.#presence(hostId, false);
    if (isAbrupt) {
      const gone: Gone = { v: PROTOCOL_VERSION, session: connection.session, reason: 'connection lost' };
      this.#carryUp(hostId, 'up/gone', JSON.stringify(gone));
    }
    const closed = this.#onClosed.get(connection);
    this.#onClosed.delete(connection);
    closed?.();
  }

  /** A life that ended takes its connection with it. */
  agentEnded(life: Life): void {
    for (const connection of [...this.#connections.values()]) if (connection.life === life) this.#close(connection, true);
  }

  #presence(hostId: HostId, connected: boolean): void {
    for (const subscriber of this.#subscribers)
      this.timeline.after(1, () => subscriber.life.isAlive && subscriber.onPresence(hostId, connected));
  }

  #carryUp(hostId: HostId, leaf: Leaf, text: string): void {
    this.#carry(hostId, leaf, text, () => {
      if (leaf !== 'up/gone' && this.cut.get(hostId)?.up) return;
      const payload = new TextEncoder().encode(text);
      for (const subscriber of [...this.#subscribers])
        if (subscriber.life.isAlive) subscriber.onMessage(topicOf(DEFAULT_CELL, hostId, leaf), payload);
    });
  }

  #carryDown(hostId: HostId, leaf: Leaf, text: string): void {
    this.#carry(hostId, leaf, text, () => this.#deliverDown(hostId, leaf, text));
    if (leaf !== 'down/command' || !this.chance.happens(this.weather.hostility)) return;
    const trick = this.#adversary.sees(hostId, text);
    this.timeline.after(trick.afterMs, () => {
      this.log(`${trick.hostId} is brought ${trick.what}`);
      this.#deliverDown(trick.hostId, leaf, trick.text);
    });
  }

  #deliverDown(hostId: HostId, leaf: Leaf, text: string): void {
    const connection = this.#connections.get(hostId);
    if (!connection || this.cut.get(hostId)?.down) return;
    const bytes = new TextEncoder().encode(text);
    connection.received = connection.received.then(async () => {
      try {
        await receive(connection, leaf, bytes);
      } catch (thrown) {
        // As the real link does: what cannot be taken is refused, and comes again; and clocks are compared anew.
        const problem = Problem.from(thrown);
        this.log(`${hostId} refused a message: ${problem.message}`);
        if (problem.code === 'gone') connection.renew();
      }
    });
  }

  #carry(hostId: HostId, leaf: Leaf, text: string, deliver: () => void): void {
    const { loss, duplication, lateness, lateMsMax } = this.weather;
    this.#sent += 1;
    if (text.length > MESSAGE_BYTES_MAX) throw new Error(`a message of ${text.length} bytes on ${leaf}`);
    this.sees({ hostId, leaf, text });
    const copies = (this.chance.happens(loss) ? 0 : 1) + (this.chance.happens(duplication) ? 1 : 0);
    for (let copy = 0; copy < copies; copy += 1) {
      const delayMs = this.chance.happens(lateness) ? this.chance.between(100, lateMsMax) : this.chance.between(1, 30);
      this.timeline.after(delayMs, deliver);
    }
  }
}

/** As it is learnt from the date of an answer: in whole seconds, and what is below two of them is no difference. */
function offsetOf(theirNowMs: number, nowMs: number): number {
  const aheadMs = Math.floor(theirNowMs / 1_000) * 1_000 - nowMs;
  return Math.abs(aheadMs) > 2_000 ? aheadMs : 0;
}

async function receive({ inbound, handlers, life, replied }: Connection, leaf: Leaf, bytes: Uint8Array): Promise<void> {
  if (!life.isAlive) return;
  if (leaf !== 'down/command') {
    handlers.reply(await inbound.reply(bytes));
    return replied();
  }
  const said = await inbound.command(bytes);
  if ('command' in said) handlers.command(said.command);
  else handlers.refused(said.refused);
}
