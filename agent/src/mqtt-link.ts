import { backoff } from '@drover/shared/lib/backoff';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import { Credentials, type PublicKey } from '@drover/shared/protocol/agent-api';
import { Command, type Gone, MESSAGE_BYTES_MAX, PROTOCOL_VERSION, Reply } from '@drover/shared/protocol/message';
import { downFilter, topicOf } from '@drover/shared/protocol/topic';
import { compactVerify, importJWK } from 'jose';
import { connect, type MqttClient } from 'mqtt';
import { type Identity, postForResponse } from './identity.ts';
import type { Link, LinkHandlers } from './link.ts';

const CONNECT_MS = 15_000;
const KEEPALIVE_S = 30;
const RETRY = { firstMs: 500, maxMs: 30_000 };
/** A connection that ended earlier than this counts as a failed attempt: no storm against a broker that turns us away. */
const STEADY_MS = 30_000;

export interface MqttLinkPorts {
  readonly identity: Identity;
  readonly controlPlaneUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (line: string) => void;
}

/** The link over MQTT 3.1.1: fresh short-lived credentials before each connection, a new session each time, nothing kept by the broker. */
export function createMqttLink({ identity, controlPlaneUrl, clock, random, log }: MqttLinkPorts): Link {
  let client: MqttClient | null = null;
  let cell = '';
  let closed = false;
  let attempts = 0;
  let cancelRetry: () => void = () => {};
  /** How far the control plane's clock is ahead of ours, from its HTTPS answer: a host with a wrong clock still works. */
  let clockAheadMs = 0;
  const verify = commandVerifier(identity, () => clock.now() + clockAheadMs);

  async function dial(handlers: LinkHandlers): Promise<void> {
    const credentials = await fetchCredentials();
    if (closed) return;
    cell = credentials.cell;
    const session = random.text(20);
    const gone: Gone = { v: PROTOCOL_VERSION, session, reason: 'connection lost' };
    const [url] = credentials.urls;
    if (!url) return;
    const connection = connect(url, {
      protocolVersion: 4,
      clean: true,
      clientId: credentials.clientId,
      username: credentials.username,
      password: credentials.password,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      will: { topic: topicOf(cell, identity.hostId, 'up/gone'), payload: Buffer.from(JSON.stringify(gone)), qos: 1, retain: false },
    });
    client = connection;
    const begunAtMs = clock.now();
    let wasUp = false;
    connection.on('connect', () => {
      setNoDelay(connection);
      connection.subscribe(downFilter(cell, identity.hostId), { qos: credentials.subQos }, (error, granted) => {
        if (error || granted?.some((grant) => grant.qos === 128)) {
          connection.end(true);
          return;
        }
        wasUp = true;
        log(`connected to ${new URL(url).host}`);
        handlers.up(session);
      });
    });
    connection.on('message', (topic, payload) => void received(topic, payload, handlers));
    connection.on('error', (error) => log(`link: ${error.message}`));
    connection.on('close', () => {
      if (client !== connection) return;
      client = null;
      if (wasUp) handlers.down();
      if (clock.now() - begunAtMs > STEADY_MS) attempts = 0;
      retry(handlers);
    });
  }

  async function fetchCredentials(): Promise<Credentials> {
    const request = await identity.sign({ sub: identity.hostId, aud: 'drover-connect' }, clock.now() + clockAheadMs);
    const { body, date } = await postForResponse(`${controlPlaneUrl}/agent/v1/connect`, { hostId: identity.hostId, request });
    if (date) clockAheadMs = offsetOf(date, clock.now());
    return Credentials.parse(body);
  }

  /** Messages are taken strictly in the order they came: verification is asynchronous, so each waits for the one before. */
  let last: Promise<void> = Promise.resolve();
  function received(topic: string, payload: Buffer, handlers: LinkHandlers): Promise<void> {
    last = last.then(async () => {
      try {
        if (payload.length > MESSAGE_BYTES_MAX) throw new Problem('too-large', 'a message above the limit');
        if (topic === topicOf(cell, identity.hostId, 'down/command')) handlers.command(await verify(payload.toString('utf8')));
        else if (topic === topicOf(cell, identity.hostId, 'down/reply')) handlers.reply(Reply.parse(JSON.parse(payload.toString('utf8'))));
      } catch (thrown) {
        log(`refused a message on ${topic}: ${Problem.from(thrown).message.slice(0, 300)}`);
      }
    });
    return last;
  }

  function retry(handlers: LinkHandlers) {
    if (closed) return;
    attempts += 1;
    cancelRetry = clock.after(backoff(attempts, random.fraction(), RETRY), () => open(handlers));
  }

  function open(handlers: LinkHandlers) {
    dial(handlers).catch((thrown: unknown) => {
      const problem = Problem.from(thrown);
      log(`cannot connect: ${problem.message}`);
      retry(handlers);
    });
  }

  return {
    open,
    send(message) {
      if (!client?.connected) return;
      const [leaf, body] = message.do === 'report' ? (['up/report', message.report] as const) : (['up/gone', message.gone] as const);
      client.publish(topicOf(cell, identity.hostId, leaf), JSON.stringify(body), { qos: 1 });
    },
    async close() {
      closed = true;
      cancelRetry();
      const connection = client;
      client = null;
      if (connection) await connection.endAsync(false).catch(() => {});
    },
  };
}

/** Commands are believed only when signed by a pinned key, for this host, and not expired: the broker is a hostile transport. */
function commandVerifier(identity: Identity, now: () => number): (jws: string) => Promise<Command> {
  const keys = Promise.all(identity.signingKeys.map((key: PublicKey) => importJWK(key, 'EdDSA')));
  return async (jws) => {
    for (const key of await keys) {
      const verified = await compactVerify(jws, key, { algorithms: ['EdDSA'] }).catch(() => null);
      if (!verified) continue;
      const command = Command.parse(JSON.parse(new TextDecoder().decode(verified.payload)));
      if (command.host !== identity.hostId) throw new Problem('not-allowed', 'a command for another host');
      if (command.expiresAtMs < now()) throw new Problem('gone', 'a command that has expired');
      return command;
    }
    throw new Problem('not-allowed', 'a command that is not signed by a known key');
  };
}

/** HTTP dates have whole seconds, so anything below two is no difference. */
function offsetOf(date: string, nowMs: number): number {
  const aheadMs = Date.parse(date) - nowMs;
  return Number.isFinite(aheadMs) && Math.abs(aheadMs) > 2_000 ? aheadMs : 0;
}

/** Without this, Nagle's algorithm and delayed acknowledgements cost 40 ms per message. */
function setNoDelay(client: MqttClient): void {
  const stream: unknown = client.stream;
  const socket = findSocket(stream);
  socket?.setNoDelay(true);
}

function findSocket(stream: unknown): { setNoDelay(on: boolean): void } | null {
  for (const path of [[], ['socket'], ['socket', '_socket'], ['_socket']]) {
    let value: unknown = stream;
    for (const name of path) value = typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : null;
    if (typeof value === 'object' && value !== null && 'setNoDelay' in value && typeof value.setNoDelay === 'function') {
      // Sound: just seen to be a function.
      return value as { setNoDelay(on: boolean): void };
    }
  }
  return null;
}
