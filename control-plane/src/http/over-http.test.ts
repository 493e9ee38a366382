import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PublicKey } from '@drover/shared/protocol/agent-api';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAppWorld } from '../../../test/control-plane/app-world.ts';
import { type ControlPlane, startControlPlane } from '../node.ts';

let folder: string;
let plane: ControlPlane;
const logged: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-http-'));
  plane = await startControlPlane({
    dataPath: folder,
    port: 0,
    host: '127.0.0.1',
    webPath: join(folder, 'no-page'),
    version: '0.1.0',
    publicUrl: null,
    log: (line) => logged.push(line),
  });
});
afterEach(async () => {
  await plane.close();
  await rm(folder, { recursive: true, force: true });
  expect(logged.splice(0)).toEqual([]);
});

const authorized = (headers: Record<string, string> = {}) => ({ authorization: `Bearer ${plane.localToken}`, ...headers });
const get = (path: string, headers = {}) => fetch(`${plane.url}${path}`, { headers: authorized(headers) });
const uploadFiles = () => readdir(join(folder, 'control-plane', 'uploads')).catch(() => []);

/** A host that enrols and has a storage, as far as the API is concerned: it never connects. */
async function enrolledHost() {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  const { kty, crv, x } = await exportJWK(publicKey);
  const sign = (claims: Record<string, string>) => new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).setIssuedAt().sign(privateKey);
  const token = await plane.enrolmentToken();
  const body = { token, publicKey: PublicKey.parse({ kty, crv, x }), hostname: 'lab', proof: await sign({ token, aud: 'drover-enrol' }) };
  const reply = await fetch(`${plane.url}/agent/v1/enrol`, { method: 'POST', body: JSON.stringify(body) });
  return { hostId: (await reply.json()).hostId as string, sign };
}

describe('over HTTP', () => {
  it('a host enrols with its key, gets credentials for a request that it signed, and nobody gets them for it', async () => {
    const { hostId, sign } = await enrolledHost();
    const connect = async (aud: string) => {
      const body = JSON.stringify({ hostId, request: await sign({ sub: hostId, aud }) });
      return fetch(`${plane.url}/agent/v1/connect`, { method: 'POST', body });
    };
    const credentials = await (await connect('drover-connect')).json();
    expect(credentials).toMatchObject({ username: hostId, urls: [`${plane.url.replace('http', 'ws')}/mqtt`] });
    expect((await connect('drover-upload')).status).toBe(401);
    expect((await (await get('/api/v1/hosts')).json()).items).toMatchObject([{ id: hostId, connected: false }]);
  });

  it('a refusal reaches a sender who is still sending', async () => {
    const sending = request(`${plane.url}/api/v1/images/upload?name=x&form=iso&format=iso&host=nowhere`, {
      method: 'POST',
      headers: authorized({ 'content-length': String(64 * 2 ** 20) }),
    });
    sending.on('error', () => undefined);
    sending.write(randomBytes(2 ** 20));
    const [response] = await once(sending, 'response');
    expect(response.statusCode).toBe(404);
    response.resume();
    sending.destroy();
    expect(await uploadFiles()).toEqual([]);
  });

  it('a sender who hangs up in the middle of a body is no error of ours', async () => {
    const sending = request(`${plane.url}/api/v1/guests`, { method: 'POST', headers: authorized({ 'content-length': '1000' }) });
    sending.on('error', () => undefined);
    sending.write('{"type":');
    await new Promise((resolve) => sending.once('socket', (socket) => socket.once('connect', resolve)));
    expect((await get('/api/v1/session')).status).toBe(200);
    sending.destroy();
    expect((await get('/api/v1/session')).status).toBe(200);
    // Whatever it logged would be seen after the test, when the control plane has stopped.
  });

  it('live events end at once when the control plane stops, and nothing hangs', async () => {
    const stream = await get('/api/v1/events');
    const reader = stream.body?.getReader();
    const decoder = new TextDecoder();
    expect(decoder.decode((await reader?.read())?.value)).toContain('event: hello');
    expect(stream.headers.get('connection')).toBe('close');
    await plane.close();
    expect((await reader?.read())?.done).toBe(true);
  });

  it('an event reaches an open stream by the commit, not by looking again', async () => {
    const reader = (await get('/api/v1/events')).body?.getReader();
    await reader?.read();
    const read = reader?.read();
    await fetch(`${plane.url}/api/v1/users`, { method: 'POST', headers: authorized(), body: '{"name":"ben","role":"auditor"}' });
    expect(new TextDecoder().decode((await read)?.value)).toContain('"kind":"user"');
    await reader?.cancel();
  });

  it('many readers of events come and go without a trace', async () => {
    for (let round = 0; round < 20; round += 1) {
      const abort = new AbortController();
      const response = await fetch(`${plane.url}/api/v1/events`, { headers: authorized(), signal: abort.signal });
      await response.body?.getReader().read();
      abort.abort();
    }
    expect((await get('/api/v1/session')).status).toBe(200);
  });
});

describe('an upload over HTTP', () => {
  const BYTES = randomBytes(3 * 2 ** 20);
  const sha256 = createHash('sha256').update(BYTES).digest('hex');

  it('one that breaks off leaves nothing; a whole one is fetched by its host alone, in parts', async () => {
    // The world's host has a storage; its app is put behind a real server here.
    const world = await createAppWorld();
    const { createAdaptorServer } = await import('@hono/node-server');
    const server = createAdaptorServer({ fetch: world.app.fetch, overrideGlobalObjects: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const url = typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '';
    const path = `${url}/api/v1/images/upload?name=tiny&form=iso&format=iso&sha256=${sha256}`;
    const headers = { authorization: `Bearer ${world.tokens.owner}`, 'content-length': String(BYTES.length) };
    try {
      const broken = request(path, { method: 'POST', headers });
      broken.on('error', () => undefined);
      broken.write(BYTES.subarray(0, 2 ** 20));
      await expect.poll(async () => (await world.uploadFiles()).length).toBe(1);
      broken.destroy();
      await expect.poll(() => world.uploadFiles()).toEqual([]);
      expect(world.logged).toEqual([]);

      const whole = await fetch(path, { method: 'POST', headers: { authorization: headers.authorization }, body: BYTES });
      expect([whole.status, (await whole.json()).resource.source.sha256]).toEqual([202, sha256]);
      const [uploadId] = await world.uploadFiles();

      const proof = { sub: world.hostId, aud: 'drover-upload' };
      const fetchUpload = async (extra = {}, claims: Record<string, string> = proof) =>
        fetch(`${url}/agent/v1/uploads/${uploadId}`, { headers: { authorization: `Bearer ${await world.signAsHost(claims)}`, ...extra } });
      const all = await fetchUpload();
      expect([all.status, all.headers.get('content-length')]).toEqual([200, String(BYTES.length)]);
      expect(Buffer.from(await all.arrayBuffer()).equals(BYTES)).toBe(true);
      const rest = await fetchUpload({ range: `bytes=${2 ** 20}-` });
      expect([rest.status, rest.headers.get('content-range')]).toEqual([206, `bytes ${2 ** 20}-${BYTES.length - 1}/${BYTES.length}`]);
      expect(Buffer.from(await rest.arrayBuffer()).equals(BYTES.subarray(2 ** 20))).toBe(true);
      expect((await fetchUpload({ range: `bytes=${BYTES.length}-` })).status).toBe(416);
      expect((await fetchUpload({}, { sub: world.hostId, aud: 'drover-connect' })).status).toBe(401);
      expect((await fetch(`${url}/agent/v1/uploads/${uploadId}`, { headers: { authorization: headers.authorization } })).status).toBe(401);
    } finally {
      server.close();
      await world.close();
    }
  });
});
