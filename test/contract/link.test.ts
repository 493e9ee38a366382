import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createNetServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { realRandom } from '@drover/shared/lib/random';
import { Credentials } from '@drover/shared/protocol/agent-api';
import type { Command, Reply, Report } from '@drover/shared/protocol/message';
import { topicOf } from '@drover/shared/protocol/topic';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { realDisk } from '../../agent/src/host/disk.ts';
import { enrol, type Identity, post } from '../../agent/src/identity.ts';
import { createMqttLink } from '../../agent/src/mqtt-link.ts';
import { type ControlPlane, startControlPlane } from '../../control-plane/src/node.ts';
import { anInventory } from '../control-plane/held.ts';

/** The agent's real link and the control plane's real broker, over loopback. */

let folder: string;
let controlPlane: ControlPlane;
let url: string;
let ends: (() => Promise<unknown> | unknown)[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-link-'));
  const options = { dataPath: folder, port: 0, host: '127.0.0.1', webPath: '/nowhere', version: '0', publicUrl: null, log: () => {} };
  controlPlane = await startControlPlane(options);
  url = controlPlane.url.replace('localhost', '127.0.0.1');
  ends = [() => controlPlane.close()];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  rmSync(folder, { recursive: true });
});

const enrolHost = async (name: string, token?: string): Promise<Identity> =>
  enrol({
    controlPlaneUrl: url,
    token: token ?? (await controlPlane.enrolmentToken()),
    dataPath: join(folder, name),
    hostname: name,
    disk: realDisk,
    nowMs: Date.now(),
  });
async function credentialsOf(identity: Identity): Promise<Credentials> {
  const request = await identity.sign({ sub: identity.hostId, aud: 'drover-connect' }, Date.now());
  return Credentials.parse(await post(`${url}/agent/v1/connect`, { hostId: identity.hostId, request }));
}
const api = async (path: string) =>
  (await fetch(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${controlPlane.localToken}` } })).json();

const hello = (identity: Identity, session: string): Report => ({
  v: 1,
  host: identity.hostId,
  session,
  boot: 1,
  sequence: 1,
  sentAtMs: Date.now(),
  statuses: [],
  log: [],
  hello: { protocol: 1, inventory: anInventory(), journal: [] },
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

describe('a host', () => {
  it('that is told when to come again does so then, and not all of them at the same second', async () => {
    const identity = await enrolHost('h1');
    const busy = createServer((_request, response) => {
      response.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': '7' });
      response.end(JSON.stringify({ detail: 'many hosts come at once' }));
    });
    const port = await listening(busy);
    ends.push(() => busy.close());
    const delays: number[] = [];
    const after = (delayMs: number) => {
      delays.push(delayMs);
      return () => {};
    };
    const clock = { ...realClock, after };
    const link = createMqttLink({ identity, controlPlaneUrl: `http://127.0.0.1:${port}`, clock, random: realRandom, log: () => {} });
    ends.push(() => link.close());
    link.open({ up: () => {}, down: () => {}, reply: () => {}, command: () => {}, refused: () => {} });
    await vi.waitFor(() => expect(delays).toHaveLength(1));
    expect(delays[0]).toBeGreaterThanOrEqual(7_000);
    expect(delays[0]).toBeLessThanOrEqual(8_000);
  });

  it('says goodbye to a broker that acknowledges nothing, and goes', async () => {
    const identity = await enrolHost('h1');
    const socketsOf = createNetServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        const type = (bytes[0] ?? 0) >> 4;
        if (type === 1) socket.write(Buffer.from([0x20, 2, 0, 0]));
        if (type === 8) socket.write(Buffer.from([0x90, 3, bytes[2] ?? 0, bytes[3] ?? 0, 1]));
      });
    });
    const broker = await listening(socketsOf);
    const credentials = { ...(await credentialsOf(identity)), urls: [`mqtt://127.0.0.1:${broker}`] };
    const door = createServer((_request, response) => response.end(JSON.stringify(credentials)));
    const port = await listening(door);
    ends.push(
      () => door.close(),
      () => socketsOf.close(),
    );
    const clock = { ...realClock, after: (_ms: number, act: () => void) => realClock.after(10, act) };
    const link = createMqttLink({ identity, controlPlaneUrl: `http://127.0.0.1:${port}`, clock, random: realRandom, log: () => {} });
    await new Promise<string>((up) => link.open({ up, down: () => {}, reply: () => {}, command: () => {}, refused: () => {} }));
    link.send({ do: 'report', report: hello(identity, 's1') });
    await link.close();
  });

  it('enrols once per token, and gets the same answer when it repeats itself', async () => {
    const token = await controlPlane.enrolmentToken();
    const first = await enrolHost('h1', token);
    expect((await enrolHost('h1', token)).hostId).toBe(first.hostId);
    await expect(enrolHost('h2', token)).rejects.toThrow('used by another host');
    expect((await api('hosts')).total).toBe(1);
  });

  it('says hello, and is sent its storage and network, signed by the key that it pinned', async () => {
    const identity = await enrolHost('h1');
    const commands: Command[] = [];
    const replies: Reply[] = [];
    const link = createMqttLink({ identity, controlPlaneUrl: url, clock: realClock, random: realRandom, log: () => {} });
    ends.push(() => link.close());
    link.open({
      up: (session) => link.send({ do: 'report', report: hello(identity, session) }),
      down: () => {},
      command: (command) => void commands.push(command),
      refused: () => {},
      reply: (reply) => void replies.push(reply),
    });
    await vi.waitFor(() => expect(commands).toHaveLength(2), 5_000);
    expect(commands.map(({ resource }) => [resource.kind, resource.generation])).toEqual([
      ['storage', 1],
      ['network', 1],
    ]);
    expect(replies).toMatchObject([{ boot: 1, sequence: 1, helloWanted: false }]);
    expect((await api('hosts')).items).toMatchObject([{ name: 'h1', connected: true, cores: 8 }]);
    await link.close();
    await vi.waitFor(async () => expect((await api('hosts')).items).toMatchObject([{ connected: false }]), 5_000);
  });

  it('connects anew when its clock was set, for until then every command seems to have expired', async () => {
    const identity = await enrolHost('h1');
    let aheadMs = 0;
    let boot = 0;
    const clock = { ...realClock, now: () => realClock.now() + aheadMs };
    const commands: Command[] = [];
    const link = createMqttLink({ identity, controlPlaneUrl: url, clock, random: realRandom, log: () => {} });
    ends.push(() => link.close());
    link.open({
      up(session) {
        boot += 1;
        link.send({ do: 'report', report: { ...hello(identity, session), boot } });
      },
      down: () => {},
      command: (command) => void commands.push(command),
      refused: () => {},
      reply: () => {},
    });
    await vi.waitFor(() => expect(commands).toHaveLength(2), 5_000);
    aheadMs = 3_600_000;
    // Nobody says that they have arrived, so they are sent again.
    await vi.waitFor(() => expect(commands).toHaveLength(4), 30_000);
  });

  it('is back at once after each connection on which it was answered, however short', async () => {
    const identity = await enrolHost('h1');
    const pauses: number[] = [];
    const clock = {
      ...realClock,
      after(delayMs: number, run: () => void) {
        pauses.push(delayMs);
        return realClock.after(1, run);
      },
    };
    const link = createMqttLink({ identity, controlPlaneUrl: url, clock, random: realRandom, log: () => {} });
    ends.push(() => link.close());
    const ROUNDS = 6;
    const rounds = new Promise<void>((resolve) => {
      let count = 0;
      link.open({
        up(session) {
          count += 1;
          link.send({ do: 'report', report: { ...hello(identity, session), boot: count } });
        },
        down: () => count >= ROUNDS && resolve(),
        command: () => {},
        refused: () => {},
        // Another connection in our name takes the place of ours.
        reply: () =>
          void credentialsOf(identity).then(({ username, clientId, password }) => {
            const other = mqtt.connect(`${url.replace('http', 'ws')}/mqtt`, { username, clientId, password, reconnectPeriod: 0 });
            other.on('connect', () => other.end(true)).on('error', () => {});
          }),
      });
    });
    await rounds;
    expect(pauses.length).toBeGreaterThanOrEqual(ROUNDS - 1);
    for (const pauseMs of pauses) expect(pauseMs).toBeLessThanOrEqual(500);
  });
});

describe('the broker', () => {
  function client(credentials: Credentials, over: Partial<IClientOptions> = {}): MqttClient {
    const { username, clientId, password } = credentials;
    const connection = mqtt.connect(`${url.replace('http', 'ws')}/mqtt`, {
      protocolVersion: 4,
      clean: true,
      username,
      clientId,
      password,
      reconnectPeriod: 0,
      ...over,
    });
    ends.push(() => connection.endAsync(true));
    connection.on('error', () => {});
    return connection;
  }
  /** "in", or how it was turned away. */
  const attempt = (connection: MqttClient): Promise<string> =>
    new Promise((resolve) => {
      connection.on('connect', () => resolve('in'));
      connection.on('error', (error) => resolve(error.message));
      connection.on('close', () => resolve('closed'));
    });
  const closed = (connection: MqttClient): Promise<void> => new Promise((resolve) => connection.on('close', () => resolve()));

  it('lets a host in with its own password alone', async () => {
    const [h1, h2] = [await enrolHost('h1'), await enrolHost('h2')];
    const credentials = await credentialsOf(h1);
    expect(await attempt(client(credentials))).toBe('in');
    expect(await attempt(client({ ...credentials, password: `${credentials.password}x` }))).toMatch(/password/i);
    expect(await attempt(client({ ...credentials, username: h2.hostId, clientId: h2.hostId }))).toMatch(/password/i);
    expect(await attempt(client({ ...credentials, clientId: h2.hostId }))).toMatch(/password/i);
    // A session that outlives its connection would be kept in our memory.
    expect(await attempt(client(credentials, { clean: false }))).toBe('closed');
  });

  it('lets it hear and say what is its own, and nothing else', async () => {
    const [h1, h2] = [await enrolHost('h1'), await enrolHost('h2')];
    const connection = client(await credentialsOf(h1));
    await attempt(connection);
    for (const topic of ['#', 'drover/#', `drover/v1/main/${h2.hostId}/down/#`, `drover/v1/main/+/down/#`, '$SYS/#']) {
      const granted = await connection.subscribeAsync(topic, { qos: 1 }).catch(() => [{ qos: 128 }]);
      expect(granted.map(({ qos }) => qos)).toEqual([128]);
    }
    expect(await connection.subscribeAsync(`drover/v1/main/${h1.hostId}/down/#`, { qos: 1 })).toMatchObject([{ qos: 1 }]);
    const end = closed(connection);
    connection.publish(topicOf('main', h2.hostId, 'up/report'), '{}', { qos: 1 });
    await end;
  });

  it('ends the connection of one that sends too much, however it announces it', async () => {
    const identity = await enrolHost('h1');
    for (const bytes of [200_000, 1_000_000]) {
      const connection = client(await credentialsOf(identity));
      await attempt(connection);
      const end = closed(connection);
      connection.publish(topicOf('main', identity.hostId, 'up/report'), Buffer.alloc(bytes), { qos: 1 });
      await end;
    }
  });

  it('ends the connection of a host that is forgotten, and lets it in no more', async () => {
    const identity = await enrolHost('h1');
    const credentials = await credentialsOf(identity);
    const connection = client(credentials);
    await attempt(connection);
    const headers = { authorization: `Bearer ${controlPlane.localToken}` };
    const end = closed(connection);
    expect((await fetch(`${url}/api/v1/hosts/h1`, { method: 'DELETE', headers })).ok).toBe(true);
    await end;
    expect(await attempt(client(credentials))).toMatch(/password/i);
    await expect(credentialsOf(identity)).rejects.toThrow('not known here');
  });
});
