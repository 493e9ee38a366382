import { NewTokenView, SessionView, SignInLinkView } from '@drover/shared/api/views';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, type WorldRole } from '../../../test/control-plane/app-world.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

const OWN = { 'sec-fetch-site': 'same-origin' };

async function linkToken(): Promise<string> {
  const { json } = await world.ask('POST', '/api/v1/users/operator-anna/sign-in-link', { body: {} });
  const { signInUrl } = SignInLinkView.parse(json);
  expect(signInUrl).toMatch(/^http:\/\/drover\.test:8420\/sign-in#token=[a-z0-9]{40}$/);
  return signInUrl.split('token=')[1] ?? '';
}

const signIn = (token: string, headers: Record<string, string> = OWN) =>
  world.ask('POST', '/api/v1/session', { as: null, body: { token }, headers });

async function signedInCookie(): Promise<string> {
  const answer = await signIn(await linkToken());
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

describe('signing in', () => {
  it('a link signs its user in, once, with a cookie that no script reads', async () => {
    const token = await linkToken();
    const first = await signIn(token);
    expect(first.status).toBe(201);
    expect(SessionView.parse(first.json)).toMatchObject({
      user: { name: 'operator-anna', roles: ['operator'] },
      url: 'http://drover.test:8420',
    });
    const cookie = first.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^drover_session_8420=drs_[a-z0-9]{40}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000$/);
    const who = await world.ask('GET', '/api/v1/session', { as: null, headers: { cookie: `other=1; ${cookie.split(';')[0]}` } });
    expect(who.json.user.name).toBe('operator-anna');
    expect((await signIn(token)).json).toMatchObject({ status: 401, code: 'not-signed-in' });
  });

  it('over TLS the cookie is for TLS alone', async () => {
    const answer = await signIn(await linkToken(), { ...OWN, 'x-forwarded-proto': 'https' });
    expect(answer.headers.get('set-cookie')).toMatch(/^__Host-drover_session_8420=drs_\w+; Path=\/; .*; Secure$/);
  });

  it('a link is good for a day, a session for thirty, if it is used twice a day', async () => {
    const late = await linkToken();
    world.clock.advance(24 * 3_600_000 + 1);
    expect((await signIn(late)).status).toBe(401);
    const cookie = await signedInCookie();
    const who = () => world.ask('GET', '/api/v1/session', { as: null, headers: { cookie } });
    for (let halfDays = 0; halfDays < 60; halfDays += 1) {
      expect((await who()).status).toBe(200);
      world.clock.advance(12 * 3_600_000 - 1);
    }
    world.clock.advance(61);
    expect((await who()).status).toBe(401);
  });

  it('whoever tries secrets is slowed down, and may try again later', async () => {
    for (let attempt = 0; attempt < 10; attempt += 1) expect((await signIn('x'.repeat(40))).status).toBe(401);
    const slowed = await signIn(await linkToken());
    expect(slowed.json).toMatchObject({ status: 429, code: 'too-many-requests', retryable: true });
    expect(slowed.headers.get('retry-after')).toBe('60');
    world.clock.advance(60_001);
    expect((await signIn(await linkToken())).status).toBe(201);
  });

  it('another page cannot sign its visitor in', async () => {
    expect((await signIn(await linkToken(), { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await signIn(await linkToken(), { origin: 'https://evil.example' })).status).toBe(403);
  });

  it('signing out ends the session for good', async () => {
    const cookie = await signedInCookie();
    const out = await world.ask('DELETE', '/api/v1/session', { as: null, headers: { cookie, ...OWN } });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect((await world.ask('GET', '/api/v1/session', { as: null, headers: { cookie } })).status).toBe(401);
  });
});

describe('a cookie', () => {
  it.each([
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ origin: 'http://drover.test:8420' }, 200],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'http://drover.test:9999' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://drover.test:8420' }, 403],
    [{}, 403],
  ])('changes things only for our own pages: %j gives %i', async (headers, status) => {
    const cookie = await signedInCookie();
    const answer = await world.ask('POST', '/api/v1/tokens', { as: null, body: { name: 'ci' }, headers: { cookie, ...headers } });
    expect(answer.status === 201 ? 200 : answer.status).toBe(status);
  });
});

describe('tokens', () => {
  it('a new one works with its role, and stops when it is removed', async () => {
    const { json } = await world.ask('POST', '/api/v1/tokens', { body: { name: 'ci', role: 'auditor' } });
    const { secret, token } = NewTokenView.parse(json);
    expect(secret).toMatch(/^drv_[a-z0-9]{40}$/);
    const asToken = (method: string, path: string, body?: object) =>
      world.ask(method, path, { as: null, body, headers: { authorization: `Bearer ${secret}` } });
    const session = SessionView.parse((await asToken('GET', '/api/v1/session')).json);
    expect([session.privileges.includes('VM.Audit'), session.privileges.includes('VM.PowerMgmt')]).toEqual([true, false]);
    expect((await asToken('POST', '/api/v1/users', { name: 'eve', role: 'owner' })).status).toBe(403);
    // An auditor's token of an owner must not become an owner by way of a link or another token.
    expect((await asToken('POST', '/api/v1/users/owner-anna/sign-in-link', {})).status).toBe(403);
    expect((await asToken('POST', '/api/v1/tokens', { name: 'more', role: 'owner' })).json).toMatchObject({ status: 403, field: 'role' });
    expect((await asToken('DELETE', `/api/v1/tokens/${token.id}`)).status).toBe(204);
    expect((await asToken('GET', '/api/v1/session')).status).toBe(401);
  });

  it('one sees and removes one’s own; an owner everybody’s', async () => {
    await world.ask('POST', '/api/v1/tokens', { as: 'operator', body: { name: 'mine' } });
    const names = async (as: WorldRole) =>
      (await world.ask('GET', '/api/v1/tokens', { as })).json.items.map(({ name }: { name: string }) => name);
    expect(await names('operator')).toEqual(['mine', 'test']);
    expect(await names('auditor')).toEqual(['test']);
    expect(await names('owner')).toEqual(['mine', 'test', 'test', 'test']);
    const id = (await world.ask('GET', '/api/v1/tokens?name=mine')).json.items[0].id;
    expect((await world.ask('DELETE', `/api/v1/tokens/${id}`, { as: 'auditor' })).status).toBe(404);
    expect((await world.ask('DELETE', '/api/v1/tokens/mine', { as: 'operator' })).status).toBe(204);
    expect((await world.ask('POST', '/api/v1/tokens', { body: { name: 'test' } })).json).toMatchObject({
      status: 409,
      code: 'name-taken',
      field: 'name',
    });
  });

  it('a wrong or misshapen one is refused in words', async () => {
    for (const authorization of ['Bearer drv_wrong', 'Basic YTpi', 'drv_owner', 'Bearer ']) {
      const answer = await world.ask('GET', '/api/v1/session', { as: null, headers: { authorization } });
      expect([authorization, answer.json.code]).toEqual([authorization, 'not-signed-in']);
    }
  });
});

describe('users', () => {
  it('a new one gets a link, is listed, and is gone with all their tokens when removed', async () => {
    const made = await world.ask('POST', '/api/v1/users', { body: { name: 'ben', role: 'auditor' } });
    expect(made.status).toBe(201);
    const token = SignInLinkView.parse(made.json).signInUrl.split('token=')[1] ?? '';
    const cookie = (await signIn(token)).headers.get('set-cookie')?.split(';')[0] ?? '';
    expect((await world.ask('GET', '/api/v1/users')).json.items.map(({ name }: { name: string }) => name)).toContain('ben');
    expect((await world.ask('POST', '/api/v1/users', { body: { name: 'ben', role: 'auditor' } })).json.code).toBe('name-taken');
    expect((await world.ask('DELETE', '/api/v1/users/ben')).status).toBe(204);
    expect((await world.ask('GET', '/api/v1/session', { as: null, headers: { cookie } })).status).toBe(401);
    expect((await world.ask('DELETE', '/api/v1/users/ben')).status).toBe(404);
  });

  it('the last owner stays', async () => {
    expect((await world.ask('DELETE', '/api/v1/users/owner-anna')).json).toMatchObject({ status: 409, code: 'wrong-state' });
  });
});
