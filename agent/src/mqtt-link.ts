import { backoff } from '@drover/shared/lib/backoff';
import type { Clock } from '@drover/shared/lib/clock';
import { goodbye } from '@drover/shared/lib/goodbye';
import { setNoDelay } from '@drover/shared/lib/no-delay';
import { inOnePiece } from '@drover/shared/lib/one-piece';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import { rateLimited } from '@drover/shared/lib/rate-limited';
import { Credentials } from '@drover/shared/protocol/agent-api';
import { type Gone, PROTOCOL_VERSION } from '@drover/shared/protocol/message';
import { PACKET_BYTES_MAX, packetSizeCheck } from '@drover/shared/protocol/packet-size';
import { downFilter, topicOf } from '@drover/shared/protocol/topic';
import { connect, type MqttClient } from 'mqtt';
import { type Identity, postForResponse } from './identity.ts';
import { createInbound } from './inbound.ts';
import type { Link, LinkHandlers } from './link.ts';

const CONNECT_MS = 15_000;
const KEEPALIVE_S = 30;
/** Short enough for a host to be back soon after the control plane is, however long that was away. */
const RETRY = { firstMs: 500, maxMs: 15_000 };
const RENEW_MS = 60_000;

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
  const complain = rateLimited(log, clock);
  /** How far the control plane's clock is ahead of ours, from its HTTPS answer: a host with a wrong clock still works. */
  let clockAheadMs = 0;
  const theirNow = (): number => clock.now() + clockAheadMs;
  const inbound = createInbound({ hostId: identity.hostId, payloadOf: (jws) => identity.payloadOf(jws, theirNow()), now: theirNow });

  async function dial(handlers: LinkHandlers): Promise<void> {
    const credentials = await fetchCredentials();
    if (closed) return;
    cell = credentials.cell;
    const session = random.text(20);
    const gone: Gone = { v: PROTOCOL_VERSION, session, reason: 'connection lost' };
    // Should one not answer, the next attempt is at the next one.
    const url = credentials.urls[attempts % credentials.urls.length] ?? '';
    const connection = connect(url, {
      protocolVersion: 4,
      clean: true,
      clientId: credentials.clientId,
      username: credentials.username,
      password: credentials.password,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_MS,
      ...(credentials.certificate === undefined ? {} : { cert: credentials.certificate, key: identity.privateKeyPem() }),
      // At other addresses a public authority has signed.
      ...(credentials.authority !== undefined && url.startsWith('mqtts:') ? { ca: credentials.authority } : {}),
      reconnectPeriod: 0,
      // Else the library keeps 65,536 small buffers, one for each number that a packet may bear: 6 MiB.
      writeCache: false,
      will: { topic: topicOf(cell, identity.hostId, 'up/gone'), payload: Buffer.from(JSON.stringify(gone)), qos: 1, retain: false },
    });
    client = connection;
    if (/^wss?:/.test(url)) inOnePiece(connection.stream);
    let wasUp = false;
    connection.on('connect', () => {
      setNoDelay(connection.stream);
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
    // One at a time, in the order they came; whoever sends faster is made to wait by TCP, and nothing piles up here.
    connection.handleMessage = ({ topic, payload }, done) => {
      const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
      received(topic, bytes, handlers).then(() => done(), done);
    };
    // mqtt.js has no limit of its own: a broker could announce a packet of 256 MB and have us keep it.
    const check = packetSizeCheck(PACKET_BYTES_MAX);
    connection.stream.on('data', (chunk: Uint8Array) => {
      if (check(chunk)) return;
      complain('size', `${new URL(url).host} announced a message that is larger than any of ours`);
      connection.end(true);
    });
    connection.on('error', (error) => {
      log(`link: ${error.message}`);
      handlers.trouble?.(`${new URL(url).host}: ${error.message}`);
      // mqtt.js lives on, deaf, when it was sent what is no packet.
      connection.end(true);
    });
    connection.on('close', () => {
      if (client !== connection) return;
      client = null;
      if (wasUp) handlers.down();
      retry(handlers);
    });
  }

  async function fetchCredentials(): Promise<Credentials> {
    const request = await identity.sign({ sub: identity.hostId, aud: 'drover-connect', sealingKey: identity.sealingKey }, theirNow());
    const { body, date, problem } = await postForResponse(`${controlPlaneUrl}/agent/v1/connect`, { hostId: identity.hostId, request });
    // Also when it was refused: perhaps for the very reason that our clock is wrong.
    if (date) clockAheadMs = offsetOf(date, clock.now());
    if (problem) throw problem;
    const credentials = Credentials.parse(body);
    await identity.follow(credentials.keySuccession ?? [], theirNow());
    return credentials;
  }

  let renewedAtMs = Number.NEGATIVE_INFINITY;
  async function received(topic: string, bytes: Uint8Array, handlers: LinkHandlers): Promise<void> {
    try {
      if (topic === topicOf(cell, identity.hostId, 'down/command')) {
        const said = await inbound.command(bytes);
        if ('command' in said) handlers.command(said.command);
        else handlers.refused(said.refused);
      } else if (topic === topicOf(cell, identity.hostId, 'down/reply')) {
        handlers.reply(await inbound.reply(bytes));
        // Somebody at the other end works. A connection without an answer counts as failed: no storm against one that turns us away.
        attempts = 0;
      } else complain('topic', `a message on a topic that is none of ours: ${JSON.stringify(topic.slice(0, 200))}`);
    } catch (thrown) {
      const problem = Problem.from(thrown);
      complain(topic, `refused a message on ${topic}: ${JSON.stringify(problem.message.slice(0, 300))}`);
      // One of the two clocks was set, perhaps: the difference is learnt where we fetch credentials.
      if (problem.code === 'gone') renew('a command seems to have expired: connecting anew to compare clocks');
      else if (topic.endsWith('down/command') && identity.namesUnknownKey(new TextDecoder().decode(bytes)))
        // The control plane may have changed it meanwhile, and says so where we fetch credentials.
        renew('a command is signed with a key that is not known here: connecting anew to learn of it');
    }
  }

  /** Rarely, for whoever sits on the broker may bring it about. A clock that was set back must not make it wait. */
  function renew(why: string): void {
    if (Math.abs(clock.now() - renewedAtMs) < RENEW_MS) return;
    renewedAtMs = clock.now();
    log(why);
    client?.end(true);
  }

  function retry(handlers: LinkHandlers, afterS?: number) {
    if (closed) return;
    attempts += 1;
    // Told when to come, as many others were: they are not all to come at the same full second.
    const delayMs = afterS === undefined ? backoff(attempts, random.fraction(), RETRY) : (afterS + random.fraction()) * 1_000;
    cancelRetry = clock.after(delayMs, () => open(handlers));
  }

  function open(handlers: LinkHandlers) {
    dial(handlers).catch((thrown: unknown) => {
      const problem = Problem.from(thrown);
      log(`cannot connect: ${problem.message}`);
      handlers.trouble?.(problem.message);
      retry(handlers, problem.retryAfterS);
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
      if (connection) await goodbye(connection, clock);
    },
  };
}

/** HTTP dates have whole seconds, so anything below two is no difference. */
function offsetOf(date: string, nowMs: number): number {
  const aheadMs = Date.parse(date) - nowMs;
  return Number.isFinite(aheadMs) && Math.abs(aheadMs) > 2_000 ? aheadMs : 0;
}
