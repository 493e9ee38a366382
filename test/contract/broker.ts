import { generateKeyPairSync } from 'node:crypto';
import type { CheckLogins } from '@drover/shared/api/cells';
import { setNoDelay } from '@drover/shared/lib/no-delay';
import type { HostId } from '@drover/shared/model/id';
import { PublicKey } from '@drover/shared/protocol/agent-api';
import { hostIdOfKey } from '@drover/shared/protocol/host-key';
import { MESSAGE_BYTES_MAX } from '@drover/shared/protocol/message';
import { downFilter, topicOf } from '@drover/shared/protocol/topic';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkBroker } from '../../cli/src/broker-check.ts';
import type { Broker } from '../../control-plane/src/broker/broker.ts';
import type { HostLogin } from '../../control-plane/src/broker/profile.ts';

/** What Drover wants of a broker, whichever it is: nothing beyond MQTT 3.1.1, and hosts that speak and listen only for themselves. */

export const CELL = 'main';

/** A host that is a key and nothing else. */
export interface LightHost {
  readonly id: HostId;
  readonly publicKey: PublicKey;
  /** PEM. */
  readonly privateKey: string;
}

export interface BrokerWorld {
  /** The control plane's side. */
  readonly broker: Broker;
  readonly url: string;
  /** What the control plane would hand to the host now; `ageMs`: what it handed out so long ago. */
  login(host: LightHost, ageMs?: number): Promise<HostLogin>;
  /** What the control plane gives to check the broker with; absent: it has no broker to check. */
  checkLogins?(): Promise<CheckLogins>;
  /** Whatever the control plane does once a host is revoked. */
  cutOff(host: LightHost): Promise<void>;
  close(): Promise<void>;
}

export function lightHost(): LightHost {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { kty, crv, x } = privateKey.export({ format: 'jwk' });
  const publicKey = PublicKey.parse({ kty, crv, x });
  return { id: hostIdOfKey(publicKey), publicKey, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

export function hostOptions(host: LightHost, login: HostLogin): IClientOptions {
  return {
    protocolVersion: 4,
    clean: true,
    clientId: login.clientId,
    username: login.username,
    password: login.password,
    keepalive: 30,
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    will: { topic: topicOf(CELL, host.id, 'up/gone'), payload: Buffer.from('will'), qos: 1, retain: false },
    ...(login.certificate === undefined ? {} : { cert: login.certificate, key: host.privateKey }),
    ...(login.authority === undefined ? {} : { ca: login.authority }),
  };
}

/** Rejects when it is turned away. */
export async function connected(url: string, options: IClientOptions): Promise<MqttClient> {
  const client = connect(url, options);
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('turned away')));
  });
  client.on('error', () => {});
  setNoDelay(client.stream);
  return client;
}

const QUICKLY = { timeout: 20_000, interval: 20 };
const quickly = <T>(condition: () => T | Promise<T>) => vi.waitFor(condition, QUICKLY);

export function describeBroker(name: string, open: () => Promise<BrokerWorld>): void {
  describe(name, () => {
    let world: BrokerWorld;
    let heard: { topic: string; text: string; bytes: number }[];
    const clients: MqttClient[] = [];
    beforeAll(async () => {
      world = await open();
      heard = [];
      world.broker.onMessage((topic, payload) =>
        heard.push({ topic, bytes: payload.length, text: new TextDecoder().decode(payload.subarray(0, 200)) }),
      );
      await quickly(() => expect(world.broker.serves(CELL)).toBe(true));
    }, 30_000);
    afterAll(() => world?.close());
    afterEach(() => {
      for (const client of clients.splice(0)) client.end(true);
    });

    /** Connected and subscribed, as an agent is, with all that it hears. */
    async function join(host: LightHost = lightHost()) {
      const login = await world.login(host);
      const client = await connected(world.url, hostOptions(host, login));
      clients.push(client);
      const messages: { topic: string; bytes: number; text: string }[] = [];
      client.on('message', (topic, payload) =>
        messages.push({ topic, bytes: payload.length, text: payload.subarray(0, 200).toString('utf8') }),
      );
      const [grant] = await client.subscribeAsync(downFilter(CELL, host.id), { qos: login.subQos });
      expect(grant?.qos).toBe(login.subQos);
      let isOpen = true;
      client.on('close', () => {
        isOpen = false;
      });
      return { host, client, messages, isOpen: () => isOpen };
    }
    const heardFrom = (host: LightHost, leaf: string) => heard.filter(({ topic }) => topic === `drover/v1/${CELL}/${host.id}/${leaf}`);

    it('delivers everything that is said either way, once and in order', async () => {
      const { host, client, messages } = await join();
      const wanted = Array.from({ length: 500 }, (_, index) => String(index));
      for (const text of wanted) client.publish(topicOf(CELL, host.id, 'up/report'), text, { qos: 1 });
      for (const text of wanted) await world.broker.publish(topicOf(CELL, host.id, 'down/command'), text, 1);
      await quickly(() => expect(messages).toHaveLength(wanted.length));
      await quickly(() => expect(heardFrom(host, 'up/report')).toHaveLength(wanted.length));
      expect(messages.map(({ text }) => text)).toEqual(wanted);
      expect(heardFrom(host, 'up/report').map(({ text }) => text)).toEqual(wanted);
    });

    it('carries the largest message that there is, either way', async () => {
      const { host, client, messages } = await join();
      const large = Buffer.alloc(MESSAGE_BYTES_MAX, 'x');
      client.publish(topicOf(CELL, host.id, 'up/report'), large, { qos: 1 });
      await world.broker.publish(topicOf(CELL, host.id, 'down/command'), large, 1);
      await quickly(() => expect(messages.map(({ bytes }) => bytes)).toEqual([MESSAGE_BYTES_MAX]));
      await quickly(() => expect(heardFrom(host, 'up/report').map(({ bytes }) => bytes)).toEqual([MESSAGE_BYTES_MAX]));
    });

    it('lets a host hear nobody but itself, whatever it subscribes to', async () => {
      const victim = await join();
      const spy = await join();
      const wishes = [downFilter(CELL, victim.host.id), `drover/v1/${CELL}/+/down/#`, `drover/v1/${CELL}/+/up/#`, 'drover/#', '#'];
      for (const wish of wishes) await spy.client.subscribeAsync(wish, { qos: 0 }).catch(() => {});
      // A broker may end the connection instead.
      const spied = spy.isOpen() ? spy : await join(spy.host);
      await world.broker.publish(topicOf(CELL, victim.host.id, 'down/command'), 'a secret', 1);
      victim.client.publish(topicOf(CELL, victim.host.id, 'up/report'), 'another', { qos: 1 });
      await quickly(() => expect(victim.messages.map(({ text }) => text)).toEqual(['a secret']));
      await quickly(() => expect(heardFrom(victim.host, 'up/report')).toHaveLength(1));
      await world.broker.publish(topicOf(CELL, spied.host.id, 'down/command'), 'its own', 1);
      await quickly(() => expect(spied.messages.map(({ text }) => text)).toContain('its own'));
      const all = new Set([...spy.messages, ...spied.messages]);
      expect([...all].map(({ text }) => text)).toEqual(['its own']);
    });

    it('lets a host say nothing in the name of another, nor of the control plane', async () => {
      const victim = await join();
      let liar = await join();
      const forbidden = [
        topicOf(CELL, victim.host.id, 'up/report'),
        topicOf(CELL, victim.host.id, 'up/gone'),
        topicOf(CELL, victim.host.id, 'down/command'),
        topicOf(CELL, liar.host.id, 'down/command'),
        `drover/v1/${CELL}/drover-control-plane/up/report`,
      ];
      for (const topic of forbidden) {
        if (!liar.isOpen()) liar = await join(liar.host);
        liar.client.publish(topic, 'a lie', { qos: 1 });
        liar.client.publish(topicOf(CELL, liar.host.id, 'up/report'), `after ${topic}`, { qos: 1 });
        // Either the next thing that it may say arrives, or its connection was ended.
        await quickly(() => expect(!liar.isOpen() || heard.some(({ text }) => text === `after ${topic}`)).toBe(true));
      }
      await world.broker.publish(topicOf(CELL, victim.host.id, 'down/command'), 'the truth', 1);
      await quickly(() => expect(victim.messages.map(({ text }) => text)).toContain('the truth'));
      expect([...victim.messages, ...liar.messages, ...heard].filter(({ text }) => text === 'a lie')).toEqual([]);
    });

    it('says the last will of a host whose connection breaks, and of no other', async () => {
      const dying = await join();
      const leaving = await join();
      await leaving.client.endAsync();
      dying.client.stream.destroy();
      await quickly(() => expect(heardFrom(dying.host, 'up/gone').map(({ text }) => text)).toEqual(['will']));
      expect(heardFrom(leaving.host, 'up/gone')).toEqual([]);
    });

    it('ends the connection of a host that comes in again', async () => {
      const first = await join();
      const second = await join(first.host);
      await quickly(() => expect(first.isOpen()).toBe(false));
      await world.broker.publish(topicOf(CELL, first.host.id, 'down/command'), 'to the second', 1);
      await quickly(() => expect(second.messages.map(({ text }) => text)).toEqual(['to the second']));
    });

    it('does not let a host end the connection of another by using its name', async () => {
      const victim = await join();
      const thief = lightHost();
      const options = { ...hostOptions(thief, await world.login(thief)), clientId: victim.host.id, username: victim.host.id };
      await connected(world.url, options).then(
        (client) => clients.push(client),
        () => {},
      );
      await world.broker.publish(topicOf(CELL, victim.host.id, 'down/command'), 'still there', 1);
      await quickly(() => expect(victim.messages.map(({ text }) => text)).toEqual(['still there']));
      expect(victim.isOpen()).toBe(true);
    });

    it('ends a connection when the control plane wants it to, and lets the host in again', async () => {
      const moved = await join();
      world.broker.disconnect(moved.host.id);
      await quickly(() => expect(moved.isOpen()).toBe(false));
      const back = await join(moved.host);
      await world.broker.publish(topicOf(CELL, back.host.id, 'down/command'), 'welcome', 1);
      await quickly(() => expect(back.messages.map(({ text }) => text)).toEqual(['welcome']));
    });

    it('turns away a host that was cut off, with all that it holds', async () => {
      const revoked = await join();
      const held = await world.login(revoked.host, 44_000);
      await world.cutOff(revoked.host);
      await quickly(() => expect(revoked.isOpen()).toBe(false));
      await quickly(() =>
        expect(
          connected(world.url, hostOptions(revoked.host, held)).then(
            (client) => client.end(true),
            () => 'turned away',
          ),
        ).resolves.toBe('turned away'),
      );
      expect((await join()).isOpen()).toBe(true);
    });

    it('is found fit by drover broker check, if it is one to be checked', async () => {
      if (!world.checkLogins) return;
      const findings = await checkBroker({ ...(await world.checkLogins()), patienceMs: 20_000 });
      // The stand-in alone has no TLS.
      const isPlain = world.url.startsWith('mqtt:');
      expect(findings.filter(({ verdict }) => verdict !== 'good').map(({ what }) => what)).toEqual(isPlain ? ['encryption'] : []);
      expect(findings).toHaveLength(11);
      // Nothing of it reaches the control plane.
      expect(heard.filter(({ topic }) => topic.startsWith('drover/v1/check/'))).toEqual([]);
    });

    it('goes on for the others when one host stands still', async () => {
      const frozen = await join();
      const lively = await join();
      frozen.client.stream.unpipe();
      frozen.client.stream.pause();
      const chunk = Buffer.alloc(8_192, 'x');
      // More than the buffers of the sockets between take.
      const flood = Array.from({ length: 4_000 }, () => world.broker.publish(topicOf(CELL, frozen.host.id, 'down/command'), chunk, 1));
      for (let turn = 0; turn < 20; turn++) {
        await world.broker.publish(topicOf(CELL, lively.host.id, 'down/command'), `turn ${turn}`, 1);
        await quickly(() => expect(lively.messages.at(-1)?.text).toBe(`turn ${turn}`));
        lively.client.publish(topicOf(CELL, lively.host.id, 'up/report'), `turn ${turn}`, { qos: 1 });
        await quickly(() => expect(heardFrom(lively.host, 'up/report').at(-1)?.text).toBe(`turn ${turn}`));
      }
      frozen.client.end(true);
      await Promise.allSettled(flood);
    });
  });
}
