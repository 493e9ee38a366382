import { backoff } from '@drover/shared/lib/backoff';
import type { Clock } from '@drover/shared/lib/clock';
import { goodbye } from '@drover/shared/lib/goodbye';
import { setNoDelay } from '@drover/shared/lib/no-delay';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import type { HostId } from '@drover/shared/model/id';
import { MESSAGE_BYTES_MAX } from '@drover/shared/protocol/message';
import { parseTopic, upFilter } from '@drover/shared/protocol/topic';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { Broker } from './broker.ts';
import type { Login, Profile } from './profile.ts';

const CONNECT_MS = 10_000;
const KEEPALIVE_S = 15;
const RETRY = { firstMs: 200, maxMs: 5_000 };
/** Handed to the socket and not acknowledged yet: beyond that, whoever publishes waits. */
const IN_FLIGHT_MAX = 2_000;
const TAKEOVERS_AT_ONCE = 8;

export interface ExternalPorts {
  readonly cell: string;
  /** Where the control plane itself reaches the broker. */
  readonly url: string;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly random: Random;
  readonly complain: (what: string, line: string) => void;
}

export interface ExternalBroker extends Broker {
  /** Resolves once it has subscribed for the first time. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** A client of somebody else's broker, for one cell. It hears of presence only by wills and by silence. */
export function createExternalBroker({ cell, url, profile, clock, random, complain }: ExternalPorts): ExternalBroker {
  let client: MqttClient | null = null;
  let closed = false;
  let attempts = 0;
  let cancelRetry: () => void = () => {};
  let inFlight = 0;
  let listener: (topic: string, payload: Uint8Array) => void = () => {};
  let becameReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    becameReady = resolve;
  });

  function open(): void {
    dial().catch((thrown: unknown) => again(Problem.from(thrown).message));
  }

  async function dial(): Promise<void> {
    const login = await profile.ownLogin();
    if (closed) return;
    const connection = connect(url, { ...optionsOf(login), keepalive: KEEPALIVE_S });
    client = connection;
    let lastError = 'the connection was closed';
    connection.on('connect', () => {
      setNoDelay(connection.stream);
      connection.subscribe(upFilter(cell), { qos: login.subQos }, (error, granted) => {
        if (error || granted?.some(({ qos }) => qos === 128)) {
          lastError = `it does not let the control plane subscribe to ${upFilter(cell)}`;
          connection.end(true);
          return;
        }
        attempts = 0;
        becameReady();
      });
    });
    connection.on('message', (topic, payload) => {
      if (payload.length <= MESSAGE_BYTES_MAX && parseTopic(topic)?.cell === cell) listener(topic, payload);
      else complain(`${cell} message`, `the broker of cell ${cell} sent ${payload.length} bytes on ${JSON.stringify(topic.slice(0, 200))}`);
    });
    connection.on('error', (error) => {
      lastError = error.message;
    });
    connection.on('close', () => {
      if (client !== connection) return;
      client = null;
      again(lastError);
    });
  }

  function again(reason: string): void {
    if (closed) return;
    attempts += 1;
    complain(`${cell} away`, `the broker of cell ${cell} at ${url}: ${reason}`);
    cancelRetry = clock.after(backoff(attempts, random.fraction(), RETRY), open);
  }

  const takeovers: HostId[] = [];
  let takingOver = 0;
  function takeOverNext(): void {
    if (closed || takingOver >= TAKEOVERS_AT_ONCE) return;
    const hostId = takeovers.shift();
    if (!hostId) return;
    takingOver += 1;
    takeOver(url, profile, hostId)
      .catch((thrown: unknown) => complain(`${hostId} takeover`, `cannot end the connection of ${hostId}: ${Problem.from(thrown).message}`))
      .finally(() => {
        takingOver -= 1;
        takeOverNext();
      });
  }

  open();
  return {
    ready,
    serves: (asked) => asked === cell && client?.connected === true,
    publish(topic, payload, qos) {
      const connection = client;
      if (!connection?.connected) {
        return Promise.reject(new Problem('timeout', `the broker of cell ${cell} is away`, { retryable: true }));
      }
      return new Promise((resolve) => {
        inFlight += 1;
        const isFull = inFlight > IN_FLIGHT_MAX;
        // What is lost on the way is sent again by whoever misses its effect.
        connection.publish(topic, Buffer.from(payload), { qos }, () => {
          inFlight -= 1;
          resolve();
        });
        if (!isFull) resolve();
      });
    },
    onMessage(added) {
      listener = added;
    },
    onPresence() {},
    disconnect(hostId) {
      if (!takeovers.includes(hostId)) takeovers.push(hostId);
      takeOverNext();
    },
    async close() {
      closed = true;
      cancelRetry();
      const connection = client;
      client = null;
      if (connection) await goodbye(connection, clock);
    },
  };
}

/** [MQTT-3.1.4-2]: who connects under a client id ends the connection that had it. Every broker does, and no other way is common to them. */
async function takeOver(url: string, profile: Profile, hostId: HostId): Promise<void> {
  const connection = connect(url, optionsOf(await profile.takeoverLogin(hostId)));
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once('connect', () => resolve());
      connection.once('error', reject);
      connection.once('close', () => reject(new Problem('timeout', 'the broker closed the connection', { retryable: true })));
    });
  } finally {
    await connection.endAsync().catch(() => {});
  }
}

function optionsOf({ username, clientId, password, certificate, key, authority }: Login): IClientOptions {
  return {
    protocolVersion: 4,
    clean: true,
    clientId,
    username,
    connectTimeout: CONNECT_MS,
    reconnectPeriod: 0,
    ...(password === undefined ? {} : { password }),
    ...(certificate === undefined ? {} : { cert: certificate, key: key ?? '' }),
    ...(authority === undefined ? {} : { ca: authority }),
  };
}
