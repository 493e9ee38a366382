import type { CheckLogins } from '@drover/shared/api/cells';
import { setNoDelay } from '@drover/shared/lib/no-delay';
import { MESSAGE_BYTES_MAX } from '@drover/shared/protocol/message';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

/** Is a broker fit for Drover? Everything is counted where it arrives: brokers acknowledge what they drop. */
export interface Finding {
  readonly what: string;
  /** unknown: it could not be looked at. */
  readonly verdict: 'good' | 'bad' | 'unknown';
  readonly detail: string;
  readonly fix: string | null;
}

export interface CheckOptions extends Omit<CheckLogins, 'host'> {
  /** Null: only the checker's own login is there, so nothing is known of who may do what. */
  readonly host: CheckLogins['host'] | null;
  /** How long to wait for what should come. */
  readonly patienceMs: number;
}

type Login = CheckLogins['checker'];

const MESSAGES = 1_000;
const QUIET_MS = 50;

export async function checkBroker({ url, checker, host, patienceMs }: CheckOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  const clients: MqttClient[] = [];
  const say = (what: string, isGood: boolean, detail: string, fix: string) =>
    findings.push({ what, verdict: isGood ? 'good' : 'bad', detail, fix: isGood ? null : fix });
  const hostLogin: Login = host ?? { ...checker, clientId: `${checker.clientId}-host`.slice(0, 60) };
  const id = host ? host.username : 'host_check';
  const down = `drover/v1/check/${id}/down`;
  const up = `drover/v1/check/${id}/up`;

  async function open(login: Login, will = false): Promise<Peer> {
    const peer = await connected(url, login, patienceMs, will ? `${up}/gone` : null);
    clients.push(peer.client);
    return peer;
  }
  const until = (condition: () => boolean): Promise<boolean> => waitFor(condition, patienceMs);

  try {
    say(
      'encryption',
      /^(mqtts|wss):/.test(url),
      new URL(url).protocol,
      'use mqtts:// or wss://: passwords and commands are readable on the way',
    );
    const tried = async (what: string, login: Login, advice: string): Promise<Peer | null> => {
      const peer = await open(login).catch((thrown: unknown) => String(thrown instanceof Error ? thrown.message : thrown));
      const isOpen = typeof peer !== 'string';
      say(what, isOpen, isOpen ? 'yes' : peer, advice);
      return isOpen ? peer : null;
    };
    const asControlPlane = await tried('control plane connects', checker, 'compare the address, the login and the broker’s log');
    if (!asControlPlane) return findings;
    const asHost = await tried('host connects', hostLogin, 'the broker must take what the control plane issues for hosts');
    if (!asHost) return findings;
    const control = asControlPlane;
    let agent = asHost;

    const granted = [
      await control.subscribe('drover/v1/check/+/up/#', checker.subQos),
      await agent.subscribe(`${down}/#`, hostLogin.subQos),
    ];
    say(
      'subscriptions',
      granted.every(Boolean),
      granted.every(Boolean) ? 'granted' : 'refused',
      'allow the control plane drover/v1/# and each host its own down/#',
    );
    if (!granted.every(Boolean)) return findings;

    // Deliveries, each way at once.
    for (let index = 0; index < MESSAGES; index++) {
      control.send(`${down}/command`, `${index}`);
      agent.send(`${up}/report`, `${index}`);
    }
    const wanted = Array.from({ length: MESSAGES }, (_, index) => `${index}`).join();
    const heardBy = (peer: Peer, topic: string): string[] =>
      peer.heard.filter((message) => message.topic === topic).map(({ text }) => text);
    const both = [heardBy.bind(null, agent, `${down}/command`), heardBy.bind(null, control, `${up}/report`)] as const;
    await until(() => both.every((heard) => heard().length >= MESSAGES));
    const [downCount, upCount] = both.map((heard) => heard().length);
    const isWhole = both.every((heard) => heard().join() === wanted);
    say(
      'deliveries',
      isWhole,
      `${downCount} of ${MESSAGES} down, ${upCount} of ${MESSAGES} up${downCount === MESSAGES && upCount === MESSAGES && !isWhole ? ', not in order' : ''}`,
      'raise the broker’s queue and in-flight limits',
    );

    const large = 'x'.repeat(MESSAGE_BYTES_MAX);
    control.send(`${down}/command`, large);
    agent.send(`${up}/report`, large);
    const isLarge = () => both.every((heard) => heard().some((text) => text.length === MESSAGE_BYTES_MAX));
    say('payload of 128 KiB', await until(isLarge), isLarge() ? 'arrives' : 'does not arrive', 'raise the largest packet to 256 KiB');
    const speaks = async (): Promise<Peer> => {
      if (agent.client.connected) return agent;
      agent = await open(hostLogin);
      await agent.subscribe(`${down}/#`, hostLogin.subQos);
      return agent;
    };

    const times: number[] = [];
    const pinged = await speaks();
    for (let turn = 0; turn < 20; turn++) {
      const startedAtMs = performance.now();
      control.send(`${down}/command`, `ping ${turn}`);
      if (!(await waitFor(() => pinged.heard.some(({ text }) => text === `ping ${turn}`), patienceMs, 0))) break;
      times.push(performance.now() - startedAtMs);
    }
    const median = times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.POSITIVE_INFINITY;
    say(
      'delay',
      median < 500,
      times.length < 20 ? 'messages stopped coming' : `${median.toFixed(1)} ms from publisher to subscriber, median`,
      'switch TCP_NODELAY on, or use a broker that is nearer',
    );

    if (host) await tryForbidden();
    else {
      for (const what of ['hears only itself', 'speaks only for itself'])
        findings.push({
          what,
          verdict: 'unknown',
          detail: 'needs a login as a host',
          fix: 'give --host-username and what belongs to it, or use --cell',
        });
    }

    async function tryForbidden(): Promise<void> {
      const spy = await speaks();
      const other = 'drover/v1/check/host_other';
      for (const filter of [`${other}/down/#`, 'drover/v1/check/+/down/#', 'drover/v1/check/+/up/#', 'drover/#', '#']) {
        await spy.subscribe(filter, 0);
        if (!spy.client.connected) break;
      }
      control.send(`${other}/down/command`, 'secret');
      const listener = await speaks();
      control.send(`${down}/command`, 'marker');
      await until(() => listener.heard.some(({ text }) => text === 'marker'));
      await waitFor(() => false, QUIET_MS);
      const spied = [...spy.heard, ...listener.heard].some(({ text }) => text === 'secret');
      say(
        'hears only itself',
        !spied,
        spied ? 'a host hears what is meant for another' : 'yes',
        'let a host read drover/v1/+/<its user name>/down/# alone',
      );

      for (const topic of [`${other}/up/report`, `${other}/down/command`, 'drover/v1/check/drover-control-plane/up/report'])
        (await speaks()).send(topic, 'lie');
      const speaker = await speaks();
      speaker.send(`${up}/report`, 'truth');
      await until(() => control.heard.some(({ text }) => text === 'truth') || !speaker.client.connected);
      await waitFor(() => false, QUIET_MS);
      const lied = control.heard.some(({ text }) => text === 'lie');
      say(
        'speaks only for itself',
        !lied,
        lied ? 'a host is heard in the name of another' : 'yes',
        'let a host write drover/v1/+/<its user name>/up/# alone',
      );
    }

    const dying = await open(hostLogin, true);
    const goneBefore = control.heard.length;
    dying.client.stream.destroy();
    const isGone = () => control.heard.slice(goneBefore).some(({ topic }) => topic === `${up}/gone`);
    say(
      'last will',
      await until(isGone),
      isGone() ? 'said when a connection breaks' : 'not said',
      'allow wills: without them a host is missed only after half a minute',
    );

    const first = await open(hostLogin);
    const second = await open(hostLogin);
    const isOver = () => !first.client.connected && second.client.connected;
    say(
      'one connection each',
      await until(isOver),
      isOver() ? 'a second one ends the first' : 'two at once',
      'let a client id take over its earlier connection: it is how hosts are cut off',
    );
    return findings;
  } finally {
    for (const client of clients) client.end(true);
  }
}

interface Peer {
  readonly client: MqttClient;
  readonly heard: { readonly topic: string; readonly text: string }[];
  send(topic: string, text: string): void;
  subscribe(filter: string, qos: 0 | 1): Promise<boolean>;
}

async function connected(url: string, login: Login, patienceMs: number, will: string | null): Promise<Peer> {
  const options: IClientOptions = {
    protocolVersion: 4,
    clean: true,
    username: login.username,
    clientId: login.clientId,
    reconnectPeriod: 0,
    connectTimeout: patienceMs,
    ...(login.password === undefined ? {} : { password: login.password }),
    ...(login.certificate === undefined ? {} : { cert: login.certificate, key: login.key ?? '' }),
    ...(login.authority === undefined ? {} : { ca: login.authority }),
    ...(will === null ? {} : { will: { topic: will, payload: Buffer.from('will'), qos: 1, retain: false } }),
  };
  const client = connect(url, options);
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('it closed the connection')));
  }).catch((thrown: unknown) => {
    client.end(true);
    throw thrown;
  });
  client.on('error', () => {});
  setNoDelay(client.stream);
  const heard: Peer['heard'] = [];
  client.on('message', (topic, payload) => heard.push({ topic, text: payload.toString('utf8') }));
  return {
    client,
    heard,
    send: (topic, text) => void client.publish(topic, text, { qos: 1 }),
    subscribe: (filter, qos) =>
      new Promise((resolve) => {
        const isOver = () => resolve(false);
        client.once('close', isOver);
        client.subscribe(filter, { qos }, (error, grants) => {
          client.off('close', isOver);
          resolve(!error && (grants ?? []).every((grant) => grant.qos !== 128));
        });
      }),
  };
}

async function waitFor(condition: () => boolean, patienceMs: number, everyMs = 10): Promise<boolean> {
  for (const endMs = performance.now() + patienceMs; performance.now() < endMs; ) {
    if (condition()) return true;
    await new Promise((resolve) => (everyMs === 0 ? setImmediate(resolve) : setTimeout(resolve, everyMs)));
  }
  return condition();
}
