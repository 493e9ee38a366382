import { connect as connectSocket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectBody, enrolBody, fingerprintOf, idOf, keyIdOf, makeKey, payloadOf, post, WAIT, WireSession } from './wire-host.ts';
import { schema, startWireWorld, type WireWorld } from './wire-world.ts';

/** Who a host is, what it may do, and how its sessions begin and end, against the real control plane from the wire alone. The numbers are clauses of docs/protocol.md. */

let world: WireWorld;
beforeAll(async () => {
  world = await startWireWorld();
});
afterAll(() => world.close());
afterEach(() => world.tidyUp());

describe('identity', () => {
  it('2.2 the id is that of the key, and its fingerprint is shown', async () => {
    const host = await world.enrolled();
    expect(host.id).toBe(idOf(host.key));
    expect((await world.hostView(host)).fingerprint).toBe(fingerprintOf(host.key.publicJwk.x));
  });

  it('2.3 a token lets one key in: none that is unknown, taken back, or another’s, and no proof by another key', async () => {
    const key = makeKey();
    const enrol = async (body: object) => (await post(`${world.url}/agent/v1/enrol`, body)).status;
    expect(await enrol(await enrolBody(key, 'x'.repeat(40)))).toBe(403);
    const taken = await world.enrolment();
    await world.api('DELETE', `/hosts/enrolments/${taken}`);
    expect(await enrol(await enrolBody(key, taken))).toBe(403);
    const good = await world.enrolment();
    expect(await enrol(await enrolBody(key, good, makeKey()))).toBe(401);
    expect(await enrol(await enrolBody(key, good))).toBe(200);
    expect(await enrol(await enrolBody(makeKey(), good))).toBe(410);
  });

  it('2.15 a token can be tried without being used up, with the answers that it would get', async () => {
    const check = (body: object) => post(`${world.url}/agent/v1/enrol/check`, body);
    expect((await check({ token: 'x'.repeat(40) })).status).toBe(403);
    const token = await world.enrolment();
    const tried = await check({ token });
    expect(tried.status).toBe(200);
    expect(schema('enrol-check-reply').parse(tried.json)).toMatchObject({ host: null, name: null });
    const key = makeKey();
    expect((await post(`${world.url}/agent/v1/enrol`, await enrolBody(key, token))).status).toBe(200);
    expect((await check({ token })).status).toBe(410);
    const again = await check({ token, publicKey: key.publicJwk });
    expect(again).toMatchObject({ status: 200, json: { host: expect.any(String) } });
    expect((await check({ token, publicKey: makeKey().publicJwk })).status).toBe(410);
  });

  it('2.4 the same key and token get the same answer', async () => {
    const body = await enrolBody(makeKey(), await world.enrolment());
    const [first, second] = [await post(`${world.url}/agent/v1/enrol`, body), await post(`${world.url}/agent/v1/enrol`, body)];
    expect(second.json).toEqual(first.json);
    schema('enrol-reply').parse(first.json);
  });

  it('2.5 the key of a forgotten host never comes in again', async () => {
    const host = await world.enrolled();
    await world.api('DELETE', `/hosts/${host.id}`);
    expect((await post(`${world.url}/agent/v1/enrol`, await enrolBody(host.key, await world.enrolment()))).status).toBe(410);
    expect((await world.connect(host)).status).toBe(401);
  });

  it('2.7 credentials are for the holder of the key, now, and for this purpose', async () => {
    const host = await world.enrolled();
    const other = await world.enrolled();
    expect((await world.connect(host)).status).toBe(200);
    expect((await world.connect(host, {}, makeKey())).status).toBe(401);
    expect((await world.connect(host, { aud: 'drover-upload' })).status).toBe(401);
    for (const off of [-400, 400]) expect((await world.connect(host, { iat: Math.floor(Date.now() / 1_000) + off })).status).toBe(401);
    expect((await post(`${world.url}/agent/v1/connect`, { ...(await connectBody(host.id, host.key)), hostId: other.id })).status).toBe(401);
  });

  it('2.8 every answer says what time it is, also one that refuses', async () => {
    const host = await world.enrolled();
    const { status, date } = await world.connect(host, { iat: 1 });
    expect(status).toBe(401);
    expect(Math.abs(Date.parse(date ?? '') - Date.now())).toBeLessThan(60_000);
  });

  it('2.10 a new key is taken on the word of both, and the old one counts until the new one was used', async () => {
    const host = await world.enrolled();
    const next = makeKey();
    const claims = { sub: host.id, aud: 'drover-host-key', iat: Math.floor(Date.now() / 1_000) };
    const request = await host.key.sign({ ...claims, key: next.publicJwk.x });
    const change = async (over: object = {}) =>
      post(`${world.url}/agent/v1/key`, { hostId: host.id, publicKey: next.publicJwk, request, proof: await next.sign(claims), ...over });
    expect((await change({ proof: await makeKey().sign(claims) })).status).toBe(401);
    expect((await change()).status).toBe(200);
    expect((await change()).status).toBe(200);
    expect((await world.connect(host)).status).toBe(200);
    expect((await world.connect(host, {}, next)).status).toBe(200);
    expect((await world.connect(host)).status).toBe(401);
    expect((await world.connect(host, {}, next)).status).toBe(200);
  });

  it('2.11, 2.12 the next signing key is introduced by the one before', async () => {
    const { host, wire } = await world.ready();
    await world.api('POST', '/signing-key/rotate', {});
    const { json } = await world.connect(host);
    const link = await payloadOf(json.keySuccession.at(-1), host.pinned);
    schema('key-succession').parse(link);
    expect(link.kid).toBe(keyIdOf(host.pinned[0]));
    expect(fingerprintOf(link.key.x)).toBe((await world.api('GET', '/signing-key')).fingerprint);
    await wire.end();
    const again = await WireSession.open(json, host.id, [...host.pinned, link.key]);
    world.later(() => again.end());
    again.hello(2, 1);
    const command = await again.command(() => true);
    expect(command.kid).toBe(keyIdOf(link.key));
  });

  it('2.13 a revoked host is cut off until it is admitted', async () => {
    const { host, wire } = await world.ready();
    await world.api('POST', `/hosts/${host.id}/revoke`, {});
    await wire.closed;
    expect((await world.connect(host)).status).toBe(403);
    expect((await world.hostView(host)).health.state).toBe('revoked');
    await world.api('POST', `/hosts/${host.id}/admit`, {});
    (await world.session(host)).hello(2, 1);
    await vi.waitFor(async () => expect((await world.hostView(host)).connected).toBe(true), WAIT);
  });
});

describe('transport', () => {
  it('1.3 a host hears and says only what is its own', async () => {
    const { host } = await world.ready();
    const other = await world.enrolled();
    const wire = await world.session(other);
    for (const topic of ['#', 'drover/#', `drover/v1/main/${host.id}/down/#`, 'drover/v1/main/+/up/#']) {
      const granted = await wire.client.subscribeAsync(topic, { qos: 1 }).catch(() => [{ qos: 128 }]);
      expect(granted.map(({ qos }) => qos)).toEqual([128]);
    }
    wire.client.publish(`drover/v1/main/${host.id}/up/report`, '{}', { qos: 1 });
    await wire.closed;
  });

  it('1.5 who sends or announces too much is cut off', async () => {
    const host = await world.enrolled();
    for (const size of [131_073, 300_000]) {
      const wire = await world.session(host);
      wire.client.publish(wire.topic('up/report'), Buffer.alloc(size, 0x20), { qos: 1 });
      await wire.closed;
    }
  });

  it('8.1 any bytes on any topic end in a line of a log, and nobody else is touched', async () => {
    const { host, wire } = await world.ready();
    const bad = await world.session(await world.enrolled());
    const before = world.process.output().length;
    const payloads = ['', '{', '[]', 'null', '{"v":1}', '\u0000', '['.repeat(60_000), JSON.stringify({ __proto__: { v: 1 }, hello: {} })];
    for (const payload of [...payloads, Buffer.from([0xff, 0xfe]), Buffer.alloc(131_000, 0x5b)])
      for (const leaf of ['up/report', 'up/gone']) bad.client.publish(bad.topic(leaf), payload, { qos: 1 });
    bad.client.publish(bad.topic('up/else'), 'x', { qos: 1 });
    await bad.closed;
    const socket = connectSocket(Number(new URL(world.url).port), '127.0.0.1');
    socket.end('\u0010\u00ff\u00ff\u00ff\u00ff\u00ff GET / HTTP/9\r\n\r\n');
    wire.report(1, 3);
    await wire.reply(1, 3);
    expect((await world.hostView(host)).connected).toBe(true);
    expect(world.process.output().slice(before).split('\n').length).toBeLessThan(10);
    expect(world.process.isRunning()).toBe(true);
  });
});

describe('sessions', () => {
  it('3.2 a farewell counts for the present session alone', async () => {
    const { host, wire } = await world.ready();
    wire.client.publish(wire.topic('up/gone'), JSON.stringify({ v: 1, session: 'another', reason: 'no' }), { qos: 1 });
    wire.report(1, 3);
    await wire.reply(1, 3);
    expect((await world.hostView(host)).connected).toBe(true);
    wire.client.publish(wire.topic('up/gone'), JSON.stringify({ v: 1, session: wire.session, reason: 'bye' }), { qos: 1 });
    await vi.waitFor(async () => expect((await world.hostView(host)).connected).toBe(false), WAIT);
  });

  it('3.2 a connection that breaks is a farewell', async () => {
    const { host, wire } = await world.ready();
    wire.drop();
    await vi.waitFor(async () => expect((await world.hostView(host)).health.state).toBe('silent'), WAIT);
  });

  it('3.3 who does not begin with a hello is asked for one', async () => {
    const wire = await world.session(await world.enrolled());
    wire.report(1, 1);
    expect(await wire.reply(1, 1)).toMatchObject({ helloWanted: true });
    wire.hello(1, 2);
    const reply = await wire.reply(1, 2);
    expect(reply).toMatchObject({ helloWanted: false });
    schema('reply').parse(reply);
  });

  it('3.5 a start of the agent that comes back after another is a second agent with the same key', async () => {
    const { host, wire } = await world.ready();
    for (const [sequence, run] of [
      [3, 'r2'],
      [4, 'r1'],
    ] as const) {
      wire.hello(1, sequence, {}, { run });
      await wire.reply(1, sequence);
    }
    expect((await world.hostView(host)).health.state).toBe('clone-suspected');
  });
});
