import { ProblemView } from '@drover/shared/lib/problem';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, ORIGIN } from '../../../test/control-plane/app-world.ts';
import { routesOf } from './app.ts';
import { honoPath } from './mount.ts';
import type { Route } from './route.ts';
import { createUploadRoom } from './upload.ts';

let world: AppWorld;
let routes: readonly Route[];
beforeEach(async () => {
  world = await createAppWorld();
  routes = routesOf(world.deps, createUploadRoom(world.deps));
});
afterEach(() => world.close());

const addressOf = (route: Route): string => route.path.replace(/\{\w+\}/g, 'nobody');

describe('every address', () => {
  it('is served from a route that says what it needs', () => {
    const declared = new Set(routes.map((route) => `${route.method} ${honoPath(route.path)}`));
    // Hono's own list, but for the one middleware that sets headers on all.
    const served = world.app.routes.filter(({ method, path }) => !(method === 'ALL' && path === '/*'));
    expect(served.filter(({ method, path }) => !declared.has(`${method} ${path}`))).toEqual([]);
    expect(served.length).toBe(declared.size);
  });

  it('is public only where that is meant', () => {
    expect(routes.filter(({ right }) => right === 'public').map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/v1/session',
      'POST /api/v1/session/second-factor',
      'POST /api/v1/session/passkey',
      'GET /api/v1/sign-in-ways',
      'GET /api/v1/sign-in/{directory}',
      'GET /api/v1/sign-in/openid/callback',
      'GET /install.sh',
      'GET /agent/v1/release',
      'GET /agent/v1/drover-agent.deb',
      'POST /agent/v1/enrol',
      'POST /agent/v1/enrol/check',
      'POST /agent/v1/connect',
      'POST /agent/v1/key',
      'GET /agent/v1/uploads/{upload}',
      'GET /api/v1/openapi.json',
      'GET /api',
      'GET /api/page.css',
    ]);
  });

  it('answers in problem documents, whatever is asked of it', async () => {
    const wrongs: [string, string, number, string][] = [
      ['GET', '/api/v1/nothing', 404, 'not-found'],
      ['GET', '/agent/v1/nothing', 404, 'not-found'],
      ['PATCH', '/api/v1/guests', 405, 'method-not-allowed'],
      ['PUT', '/api/v1/guests/web', 405, 'method-not-allowed'],
      ['GET', '/api/v1/guests/web', 404, 'not-found'],
      ['GET', '/api/v1/hosts/web', 404, 'not-found'],
      ['GET', '/api/v1/images/web', 404, 'not-found'],
      ['GET', '/api/v1/storages/web', 404, 'not-found'],
      ['GET', '/api/v1/networks/web', 404, 'not-found'],
      ['GET', '/api/v1/tasks/web', 404, 'not-found'],
      ['GET', '/api/v1/tasks/web/log', 404, 'not-found'],
      ['GET', '/api/v1/guests/%ff', 404, 'not-found'],
      ['GET', `/api/v1/guests/${'a'.repeat(65)}`, 400, 'bad-request'],
      ['GET', '/api/v1/networks?after=x', 400, 'bad-request'],
      ['GET', '/api/v1/tasks?after=x', 400, 'bad-request'],
      ['GET', '/api/v1/tasks?after=x/y', 400, 'bad-request'],
      ['GET', '/api/v1/tasks?after=/', 400, 'bad-request'],
      ['GET', '/api/v1/events?after=-1', 400, 'bad-request'],
      ['GET', '/api/v1/tasks/web/log?after=1e400', 400, 'bad-request'],
      ['GET', '/api/v1/session?x=y', 400, 'bad-request'],
    ];
    for (const [method, path, status, code] of wrongs) {
      const answer = await world.ask(method, path);
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(ProblemView.parse(answer.json).code).toBe(code);
    }
    expect((await world.ask('PUT', '/api/v1/guests/web')).headers.get('allow')).toBe('GET, PATCH, DELETE');
  });

  it('refuses what is no JSON, or too much of it', async () => {
    const post = (raw: BodyInit, headers = {}) => world.ask('POST', '/api/v1/guests', { raw, headers });
    expect((await post('{"type":')).json).toMatchObject({ status: 400, code: 'bad-request' });
    expect((await post('[]')).status).toBe(400);
    expect((await post('null')).status).toBe(400);
    expect((await post(' '.repeat(2 ** 20 + 1))).json).toMatchObject({ status: 413, code: 'too-large' });
    expect((await post('{}', { 'content-length': '9999999' })).json).toMatchObject({ status: 413 });
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)) });
    const response = await world.app.request(`${ORIGIN}/api/v1/guests`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.tokens.owner}` },
      body: endless,
      // @ts-expect-error Node wants it said that the body streams.
      duplex: 'half',
    });
    expect(response.status).toBe(413);
  });

  it('says nothing of what went wrong inside, and logs it', async () => {
    world.store.guests = () => Promise.reject(new Error('the secret of the house'));
    const answer = await world.ask('GET', '/api/v1/guests');
    expect(answer.json).toMatchObject({ status: 500, code: 'internal' });
    expect(answer.text).not.toContain('secret');
    expect(world.logged).toEqual([new Error('the secret of the house')]);
  });

  it('forbids framing, sniffing, and whatever does not come from here as a file', async () => {
    for (const path of ['/api', '/api/v1/session', '/', '/api/v1/nothing']) {
      const { headers, text } = await world.ask('GET', path);
      const policy = new Map(
        (headers.get('content-security-policy') ?? '').split('; ').map((line) => line.split(/ (.*)/, 2) as [string, string]),
      );
      expect(policy.get('default-src')).toBe("'none'");
      expect(policy.get('frame-ancestors')).toBe("'none'");
      expect(policy.get('base-uri')).toBe("'none'");
      for (const allowed of policy.values()) expect(["'self'", "'none'"]).toContain(allowed);
      expect(text).not.toMatch(/<script>|<style|style=|"data:/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('never meets any JSON with a failure of its own', async () => {
    const writes = routes.filter(({ body, path }) => body && !path.startsWith('/agent/'));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...writes), bodies, async (route, body) => {
        const answer = await world.ask(route.method, addressOf(route), { body });
        expect([route.path, body, answer.status < 500 || answer.json.code !== 'internal']).toEqual([route.path, body, true]);
      }),
      { numRuns: 200 },
    );
    expect(world.logged).toEqual([]);
  }, 60_000);

  it('never meets any query or address with a failure of its own', async () => {
    const reads = routes.filter(
      ({ method, right, contentType }) => method === 'GET' && right !== 'public' && contentType === 'application/json',
    );
    const word = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('1/2', '/', 'x/', '-1', '1e9', '%', "'"),
    );
    const names = ['limit', 'after', 'search', 'name', 'tag', 'state', 'host', 'kind', 'target'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...reads), word, fc.dictionary(fc.constantFrom(...names), word), async (route, ref, query) => {
        const path = route.path.replace(/\{\w+\}/g, encodeURIComponent(Buffer.from(ref).toString()) || 'x');
        const search = new URLSearchParams(query).toString();
        const answer = await world.ask('GET', `${path}?${search}`);
        expect([path, search, answer.status < 500]).toEqual([path, search, true]);
      }),
      { numRuns: 200 },
    );
    expect(world.logged).toEqual([]);
  }, 60_000);
});

/** Bodies of any shape, and nearly right ones. */
const bodies = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      type: fc.constantFrom('container', 'vm', 'x', 1),
      name: fc.oneof(fc.constantFrom('web', 'a'.repeat(63), '__proto__'), fc.string()),
      image: fc.oneof(fc.constant('debian-13'), fc.string()),
      memoryBytes: fc.oneof(fc.integer(), fc.double(), fc.constant(2 ** 28)),
      cores: fc.oneof(fc.integer(), fc.double()),
      tags: fc.array(fc.string({ maxLength: 3 })),
      notes: fc.string({ unit: 'binary' }),
      sshKeys: fc.array(fc.string()),
      host: fc.string({ minLength: 1, maxLength: 64 }),
      command: fc.array(fc.string()),
      tty: fc.boolean(),
      force: fc.boolean(),
      role: fc.constantFrom('owner', 'auditor', 'nobody'),
      token: fc.string(),
      form: fc.constantFrom('container', 'vm', 'iso', 'tape'),
    },
    { requiredKeys: [] },
  ),
  fc.record({ type: fc.constantFrom('container', 'vm'), name: fc.constantFrom('web', 'db'), image: fc.constantFrom('debian-13', 'nope') }),
  fc.record({ notes: fc.string({ unit: 'binary' }) }),
  fc.record({ command: fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }) }),
);
