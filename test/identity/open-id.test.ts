import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, ORIGIN } from '../control-plane/app-world.ts';
import { CLIENT, type RunningProvider, startProvider } from './provider.ts';

describe('a real OpenID Connect provider', () => {
  let provider: RunningProvider;
  let world: AppWorld;

  beforeAll(async () => {
    provider = await startProvider(`${ORIGIN}/api/v1/sign-in/openid/callback`);
  });
  afterAll(() => provider.close());
  beforeEach(async () => {
    provider.person = { sub: 'p-1', claims: { preferred_username: 'Anna@example.org', groups: ['VM Admins', 'Staff'] } };
    world = await createAppWorld();
  });
  afterEach(() => world.close());

  async function add(more: object = {}): Promise<void> {
    const body = {
      kind: 'oidc',
      name: 'sso',
      issuer: provider.issuer,
      clientId: CLIENT.id,
      secret: CLIENT.secret,
      autocreate: true,
      ...more,
    };
    const { status, text } = await world.ask('POST', '/api/v1/directories', { body });
    expect([status, text.includes(CLIENT.secret)]).toEqual([201, false]);
  }

  /** A browser that follows redirects between the two, each with cookies of its own, until it is back at Drover with something else. */
  function browser() {
    const jars = new Map<string, Map<string, string>>();

    async function get(url: URL): Promise<{ status: number; location: string | null }> {
      const jar = jars.get(url.origin) ?? new Map<string, string>();
      jars.set(url.origin, jar);
      const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
      const isOurs = url.origin === ORIGIN;
      const answer = isOurs ? await world.app.request(url.href, { headers }) : await fetch(url, { headers, redirect: 'manual' });
      for (const cookie of answer.headers.getSetCookie()) {
        const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=');
        if (value === '') jar.delete(name);
        else jar.set(name, value);
      }
      return { status: answer.status, location: answer.headers.get('location') };
    }

    return {
      jars,
      /** Where it was sent, step by step. */
      async signIn(path = '/api/v1/sign-in/sso', stopBefore = /^$/): Promise<readonly string[]> {
        const steps: string[] = [];
        for (let url = new URL(path, ORIGIN); steps.length < 12; ) {
          const { status, location } = await get(url);
          if (location === null) return [...steps, String(status)];
          url = new URL(location, url);
          steps.push(url.href);
          if (stopBefore.test(url.href) || (url.origin === ORIGIN && !url.pathname.startsWith('/api/'))) return steps;
        }
        return steps;
      },
      get,
      async who(): Promise<unknown> {
        const cookie = [...(jars.get(ORIGIN) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
        return (await world.ask('GET', '/api/v1/session', { as: null, headers: { cookie } })).json?.user?.name;
      },
    };
  }
  const wordsOf = (steps: readonly string[]) => Object.fromEntries(new URLSearchParams(new URL(steps.at(-1) ?? '').hash.slice(1)));

  it('signs somebody in, makes their user, and goes where they wanted', async () => {
    await add({ groupsClaim: 'groups', groupMapping: { 'VM Admins': 'operators' }, role: 'operator' });
    const anna = browser();
    const steps = await anna.signIn('/api/v1/sign-in/sso?to=/guests/107%3Ftab=2');
    const begun = new URL(steps[0] ?? '').searchParams;
    expect(begun.get('code_challenge_method')).toBe('S256');
    expect([begun.get('state')?.length, begun.get('nonce')?.length].map((length) => (length ?? 0) >= 32)).toEqual([true, true]);
    expect(steps.at(-1)).toBe(`${ORIGIN}/guests/107?tab=2`);
    expect(await anna.who()).toBe('anna');
    expect((await world.ask('GET', '/api/v1/users?name=anna')).json.items).toMatchObject([{ roles: ['operator'] }]);
    const directory = await world.store.identity.directory('sso');
    const known = await world.store.identity.directoryUsers(directory?.id ?? ('' as never));
    expect(known).toMatchObject([{ subject: 'p-1', groups: ['operators'], user: { name: 'anna' } }]);
  });

  it('knows people by their subject: a new name is the same user, another subject another', async () => {
    await add();
    await browser().signIn();
    provider.person = { sub: 'p-1', claims: { preferred_username: 'anna-married' } };
    const anna = browser();
    await anna.signIn();
    expect(await anna.who()).toBe('anna');
    provider.person = { sub: 'p-2', claims: { preferred_username: 'anna' } };
    const other = browser();
    await other.signIn();
    expect(await other.who()).toBe('anna-sso');
    provider.person = { sub: 'p-3', claims: { preferred_username: 'owner-anna' } };
    const impostor = browser();
    await impostor.signIn();
    expect(await impostor.who()).toBe('owner-anna-sso');
  });

  it('lets nobody in who has no user, unless users are made; an owner can say who it is', async () => {
    await add({ autocreate: false });
    expect(wordsOf(await browser().signIn())).toEqual({
      problem: 'sso knows you, and Drover has no user for you',
      suggestion: 'ask an owner to let you in',
    });
    await world.ask('POST', '/api/v1/directories/sso/users', { body: { user: 'auditor-anna', subject: 'p-1' } });
    const anna = browser();
    await anna.signIn();
    expect(await anna.who()).toBe('auditor-anna');
  });

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', '/%09/evil.example', 'javascript:alert(1)', '/\tx'])(
    'goes to no page of others: %s',
    async (to) => {
      await add();
      const { status, location } = await browser().get(new URL(`/api/v1/sign-in/sso?to=${encodeURIComponent(to)}`, ORIGIN));
      const isHarmless = to === '/%09/evil.example';
      expect([status, location === null]).toEqual(isHarmless ? [303, false] : [400, true]);
    },
  );

  it('an answer counts once, in the browser that asked', async () => {
    await add();
    const [anna, thief] = [browser(), browser()];
    const steps = await anna.signIn('/api/v1/sign-in/sso', /openid\/callback/);
    const answer = steps.at(-1) ?? '';
    expect(wordsOf(await thief.signIn(answer)).problem).toBe('this sign-in took too long, or began in another browser');
    expect(await thief.who()).toBe(undefined);
    expect(await anna.signIn(answer)).toEqual([`${ORIGIN}/`]);
    expect(wordsOf(await anna.signIn(answer)).problem).toBe('this sign-in took too long, or began in another browser');
  });

  it('a code that somebody else was given does not count for another state', async () => {
    await add();
    const [anna, mallory] = [browser(), browser()];
    const [hers, his] = [
      await anna.signIn('/api/v1/sign-in/sso', /openid\/callback/),
      await mallory.signIn('/api/v1/sign-in/sso', /openid\/callback/),
    ];
    const mixed = new URL(hers.at(-1) ?? '');
    mixed.searchParams.set('code', new URL(his.at(-1) ?? '').searchParams.get('code') ?? '');
    expect(wordsOf(await anna.signIn(mixed.href)).problem).toMatch(/^the provider/);
    expect(await anna.who()).toBe(undefined);
  });

  it('what goes wrong over there is said in words', async () => {
    await add();
    provider.person = null;
    expect(wordsOf(await browser().signIn()).problem).toBe('the provider let nobody in: it was cancelled, or is not allowed there');
    provider.person = { sub: 'p-1', claims: {} };
    expect(wordsOf(await browser().signIn()).problem).toBe('the provider said nothing of "preferred_username", which names are taken from');
    provider.person = { sub: 'p-1', claims: { preferred_username: 'anna' } };
    await world.ask('PATCH', '/api/v1/directories/sso', { body: { secret: 'wrong' } });
    expect(wordsOf(await browser().signIn()).problem).toBe('the provider does not know this client, or its secret is wrong');
    await world.ask('PATCH', '/api/v1/directories/sso', { body: { settings: { issuer: 'http://127.0.0.1:1' } } });
    expect((await world.ask('POST', '/api/v1/directories/sso/test', { body: {} })).json).toMatchObject({
      works: false,
      steps: [{ detail: 'the provider cannot be reached' }],
    });
    await world.ask('PATCH', '/api/v1/directories/sso', { body: { settings: { issuer: 'http://sso.example.org' } } });
    expect((await world.ask('POST', '/api/v1/directories/sso/test', { body: {} })).json).toMatchObject({
      works: false,
      steps: [{ detail: 'a provider is asked by https only' }],
    });
  });

  it('the second factor is theirs, or ours where that is wished', async () => {
    await add({ secondFactor: 'ours' });
    await world.ask('PATCH', '/api/v1/sign-in-policy', { body: { secondFactor: 'everybody' } });
    const anna = browser();
    await anna.signIn();
    expect(await anna.who()).toBe('anna');
    const [user] = (await world.ask('GET', '/api/v1/sessions?user=anna')).json.items;
    expect((await world.store.access.token(user.id))?.setupOnly).toBe(true);
  });

  it('is offered to whom it may concern, while it is enabled', async () => {
    await add();
    expect((await world.ask('GET', '/api/v1/sign-in-ways', { as: null })).json.directories).toEqual([{ name: 'sso', kind: 'oidc' }]);
    expect((await world.ask('PATCH', '/api/v1/directories/sso', { body: { settings: { enabled: false } } })).json.enabled).toBe(false);
    expect((await world.ask('GET', '/api/v1/sign-in-ways', { as: null })).json.directories).toEqual([]);
    expect((await world.ask('GET', '/api/v1/sign-in/sso', { as: null })).status).toBe(404);
    expect((await world.ask('PATCH', '/api/v1/directories/sso', { body: { settings: { baseDn: 'dc=x' } } })).json).toMatchObject({
      status: 400,
      field: 'baseDn',
    });
  });
});
