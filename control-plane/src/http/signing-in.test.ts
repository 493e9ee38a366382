import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld } from '../../../test/control-plane/app-world.ts';
import { createPerson, type Person, signedIn } from '../../../test/control-plane/person.ts';
import { codeAt } from '../identity/totp.ts';

let world: AppWorld;
let address = '198.51.100.7';
beforeEach(async () => {
  address = '198.51.100.7';
  world = await createAppWorld({ addressOf: () => address });
});
afterEach(() => world.close());

const PASSWORD = 'tractor violin 9 lamp';
const NAME = 'operator-anna';
const STEP_MS = 30_000;

async function withPassword(): Promise<Person> {
  const anna = await signedIn(world, NAME);
  expect((await anna.ask('POST', '/account/password', { password: PASSWORD })).status).toBe(200);
  return anna;
}

/** Codes are set up; the answer is the seed, and the recovery codes. */
async function withCodes(anna: Person): Promise<{ seed: string; recovery: string[] }> {
  const { seed } = (await anna.ask('POST', '/account/totp', {})).json;
  const { json } = await anna.ask('POST', '/account/totp/confirm', { code: codeAt(seed, world.clock.now()) });
  world.clock.advance(STEP_MS);
  return { seed, recovery: json.codes };
}

const enter = (person: Person, password = PASSWORD, name = NAME) => person.ask('POST', '/session', { name, password });

describe('a password', () => {
  it('set after signing in by a link, it signs in from then on', async () => {
    const anna = await withPassword();
    const elsewhere = createPerson(world);
    const answer = await enter(elsewhere);
    expect([answer.status, answer.json.user.name]).toEqual([201, NAME]);
    expect((await elsewhere.ask('GET', '/account')).json).toMatchObject({
      password: { setAtMs: world.clock.now() },
      totp: null,
      passkeys: [],
    });
    expect((await anna.ask('GET', '/session')).status).toBe(200);
  });

  it('nobody of that name, nobody with a password and a wrong one get the same answer', async () => {
    await withPassword();
    const answers = [
      await enter(createPerson(world), 'tractor violin 9 lamq'),
      await enter(createPerson(world), PASSWORD, 'nobody'),
      await enter(createPerson(world), PASSWORD, 'auditor-anna'),
    ];
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.json).toMatchObject({ status: 401, detail: 'this name and password do not belong together' });
  });

  it('is changed with the old one, and all other sessions end', async () => {
    await withPassword();
    const [here, there] = [createPerson(world), createPerson(world)];
    await enter(here);
    await enter(there);
    const change = (body: object) => here.ask('POST', '/account/password', body);
    expect((await change({ password: 'glibbet umrah fosk' })).json).toMatchObject({ status: 403, field: 'old' });
    expect((await change({ old: 'glibbet', password: 'glibbet umrah fosk' })).json).toMatchObject({ status: 403, field: 'old' });
    expect((await change({ old: PASSWORD, password: 'password1234' })).json).toMatchObject({ status: 400, field: 'password' });
    expect((await change({ old: PASSWORD, password: 'glibbet umrah fosk' })).status).toBe(200);
    expect([(await here.ask('GET', '/session')).status, (await there.ask('GET', '/session')).status]).toEqual([200, 401]);
    expect((await enter(there)).status).toBe(401);
    expect((await enter(there, 'glibbet umrah fosk')).status).toBe(201);
  });

  it('cannot be set with a token, nor by a browser that was left open', async () => {
    const byToken = await world.ask('POST', '/api/v1/account/password', { as: 'operator', body: { password: PASSWORD } });
    expect(byToken.json).toMatchObject({ status: 403, detail: 'a token cannot change how its user signs in' });
    const anna = await signedIn(world, NAME);
    world.clock.advance(3_600_000);
    expect((await anna.ask('POST', '/account/password', { password: PASSWORD })).json).toMatchObject({
      status: 403,
      suggestion: expect.stringContaining('again'),
    });
  });
});

describe('whoever tries passwords', () => {
  it('is slowed down more and more, per account and from anywhere', async () => {
    await withPassword();
    const tries: [number, string | null][] = [];
    for (let index = 0; index < 8; index += 1) {
      address = `203.0.113.${index}`;
      const { status, headers } = await enter(createPerson(world), 'wrong wrong wrong');
      tries.push([status, headers.get('retry-after')]);
      if (status === 429) world.clock.advance(Number(headers.get('retry-after')) * 1_000);
    }
    expect(tries).toEqual([
      [401, null],
      [401, null],
      [401, null],
      [401, null],
      [401, null],
      [429, '1'],
      [401, null],
      [429, '2'],
    ]);
  });

  it('does not keep its owner out, who comes from where they have signed in before', async () => {
    await withPassword();
    const home = address;
    for (let index = 0; index < 6; index += 1) {
      address = `203.0.113.${index}`;
      await enter(createPerson(world), 'wrong wrong wrong');
    }
    address = '203.0.113.200';
    expect((await enter(createPerson(world))).status).toBe(429);
    address = home;
    expect((await enter(createPerson(world))).status).toBe(201);
  });

  it('is slowed down by the address too, of which all of one IPv6 network is one', async () => {
    for (let index = 0; index < 10; index += 1) {
      address = `2001:db8:1:2::${index}`;
      expect((await enter(createPerson(world), 'wrong wrong wrong', `name-${index}`)).status).toBe(401);
    }
    expect((await enter(createPerson(world), 'wrong wrong wrong', 'another')).status).toBe(429);
    address = '2001:db8:1:3::1';
    expect((await enter(createPerson(world), 'wrong wrong wrong', 'another')).status).toBe(401);
  });
});

describe('codes', () => {
  it('are asked for after the password, and are good once', async () => {
    const { seed } = await withCodes(await withPassword());
    const anna = createPerson(world);
    const asked = await enter(anna);
    expect([asked.status, anna.cookie(), asked.json]).toMatchObject([201, null, { needs: ['totp', 'recovery'], passkey: null }]);
    const code = codeAt(seed, world.clock.now());
    expect((await anna.ask('POST', '/session/second-factor', { ticket: asked.json.ticket, totp: code })).json.user.name).toBe(NAME);
    expect((await anna.ask('GET', '/session')).status).toBe(200);
    const again = createPerson(world);
    const { ticket } = (await enter(again)).json;
    expect((await again.ask('POST', '/session/second-factor', { ticket, totp: code })).json).toMatchObject({
      status: 401,
      detail: 'this code was used already',
    });
  });

  it('are asked for after a link as well', async () => {
    await withCodes(await withPassword());
    await expect(signedIn(world, NAME)).resolves.toMatchObject({});
    const { json } = await world.ask('POST', `/api/v1/users/${NAME}/sign-in-link`, { body: {} });
    const answer = await createPerson(world).ask('POST', '/session', { token: String(json.signInUrl).split('token=')[1] });
    expect(answer.json.needs).toEqual(['totp', 'recovery']);
  });

  it('a clock that is ten minutes off is told apart from a wrong code', async () => {
    const { seed } = await withCodes(await withPassword());
    const anna = createPerson(world);
    const { ticket } = (await enter(anna)).json;
    const late = await anna.ask('POST', '/session/second-factor', { ticket, totp: codeAt(seed, world.clock.now() - 600_000) });
    expect(late.json).toMatchObject({ status: 401, detail: 'the clock of your phone and ours differ by about 10 min: yours is behind' });
    expect((await anna.ask('POST', '/session/second-factor', { ticket, totp: codeAt(seed, world.clock.now()) })).status).toBe(201);
  });

  it('are locked after eight wrong ones, until a recovery code', async () => {
    const { seed, recovery } = await withCodes(await withPassword());
    const anna = createPerson(world);
    let { ticket } = (await enter(anna)).json;
    const give = (proof: object) => anna.ask('POST', '/session/second-factor', { ticket, ...proof });
    for (let wrong = 0; wrong < 8; wrong += 1) {
      expect((await give({ totp: 'aaaaaa' })).json.detail).toBe('this code is wrong');
      world.clock.advance(15_000);
    }
    world.clock.advance(3_600_000);
    ticket = (await enter(anna)).json.ticket;
    expect((await give({ totp: codeAt(seed, world.clock.now()) })).json).toMatchObject({
      status: 403,
      detail: expect.stringContaining('locked'),
    });
    world.clock.advance(30_000);
    expect((await give({ recovery: recovery[0]?.toUpperCase() })).status).toBe(201);
    expect((await anna.ask('GET', '/account')).json).toMatchObject({ totp: { locked: false }, recoveryCodesLeft: 9 });
    ticket = (await enter(anna)).json.ticket;
    expect((await give({ recovery: recovery[0] })).status).toBe(401);
    world.clock.advance(60_000);
    expect((await give({ totp: codeAt(seed, world.clock.now()) })).status).toBe(201);
  });

  it('that were never confirmed are not asked for', async () => {
    const anna = await withPassword();
    await anna.ask('POST', '/account/totp', {});
    expect((await anna.ask('POST', '/account/totp/confirm', { code: '000000' })).status).toBe(401);
    expect((await enter(createPerson(world))).json.user.name).toBe(NAME);
  });

  it('a ticket is good for five minutes, in the browser that got it, once', async () => {
    const { seed } = await withCodes(await withPassword());
    const anna = createPerson(world);
    const { ticket } = (await enter(anna)).json;
    const thief = createPerson(world, 'curl/8.0');
    expect((await thief.ask('POST', '/session/second-factor', { ticket, totp: codeAt(seed, world.clock.now()) })).status).toBe(401);
    expect((await anna.ask('POST', '/session/second-factor', { ticket, totp: codeAt(seed, world.clock.now()) })).status).toBe(201);
    world.clock.advance(STEP_MS);
    expect((await anna.ask('POST', '/session/second-factor', { ticket, totp: codeAt(seed, world.clock.now()) })).status).toBe(401);
    const late = (await enter(anna)).json.ticket;
    world.clock.advance(300_000);
    expect((await anna.ask('POST', '/session/second-factor', { ticket: late, totp: codeAt(seed, world.clock.now()) })).status).toBe(401);
  });

  it('wrong recovery codes are counted like wrong passwords', async () => {
    const { recovery } = await withCodes(await withPassword());
    const anna = createPerson(world);
    const { ticket } = (await enter(anna)).json;
    const give = (code = '') => anna.ask('POST', '/session/second-factor', { ticket, recovery: code });
    for (let wrong = 0; wrong < 5; wrong += 1) {
      expect((await give('aaaa-bbbb-cccc')).json).toMatchObject({ status: 401, detail: 'this recovery code is wrong, or was used' });
    }
    expect((await give(recovery[0])).status).toBe(429);
    world.clock.advance(1_000);
    expect((await give(recovery[0])).status).toBe(201);
  });

  it('new recovery codes make the old ones useless; who loses everything is helped by an owner', async () => {
    const anna = await withPassword();
    const { recovery } = await withCodes(anna);
    const fresh = (await anna.ask('POST', '/account/recovery-codes', {})).json.codes;
    const again = createPerson(world);
    const { ticket } = (await enter(again)).json;
    expect((await again.ask('POST', '/session/second-factor', { ticket, recovery: recovery[1] })).status).toBe(401);
    expect((await again.ask('POST', '/session/second-factor', { ticket, recovery: fresh[1] })).status).toBe(201);
    expect((await world.ask('POST', `/api/v1/users/${NAME}/reset-second-factor`, { as: 'operator', body: {} })).status).toBe(403);
    expect((await world.ask('POST', `/api/v1/users/${NAME}/reset-second-factor`, { body: {} })).status).toBe(200);
    expect((await again.ask('GET', '/session')).status).toBe(401);
    expect((await enter(again)).json.user.name).toBe(NAME);
  });
});

describe('a fleet that asks for a second factor', () => {
  it('lets who lacks one in to set it up, and for nothing else', async () => {
    const anna = await withPassword();
    expect((await world.ask('PATCH', '/api/v1/sign-in-policy', { body: { secondFactor: 'everybody' } })).json.secondFactor).toBe(
      'everybody',
    );
    expect((await anna.ask('GET', '/guests')).json).toMatchObject({ status: 403, suggestion: expect.stringContaining('/account') });
    const later = createPerson(world);
    expect((await enter(later)).status).toBe(201);
    expect((await later.ask('GET', '/guests')).status).toBe(403);
    expect((await later.ask('GET', '/account')).json).toMatchObject({ secondFactorRequired: true, setupOnly: true });
    await withCodes(later);
    expect((await later.ask('GET', '/guests')).status).toBe(200);
    expect((await later.ask('DELETE', '/account/totp')).json).toMatchObject({ status: 409, code: 'wrong-state' });
  });
});

describe('sessions', () => {
  it('are listed with their device and address, and ended one by one or all but this', async () => {
    const anna = await withPassword();
    address = '192.0.2.44';
    world.clock.advance(1_000);
    const phone = createPerson(world, 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Version/19.1 Mobile/15E Safari/604.1');
    await enter(phone);
    const { items } = (await phone.ask('GET', '/sessions')).json;
    expect(items).toMatchObject([
      { device: 'Safari on iPhone', address: '192.0.2.44', way: 'password', current: true },
      { device: 'Firefox on Linux', address: '198.51.100.7', way: 'link', current: false },
    ]);
    expect((await phone.ask('POST', '/sessions/end-others', {})).json).toEqual({ ended: 1 });
    expect((await anna.ask('GET', '/session')).status).toBe(401);
    const other = createPerson(world);
    await enter(other);
    const stranger = await signedIn(world, 'auditor-anna');
    const { id } = (await other.ask('GET', '/sessions')).json.items.find(({ current }: { current: boolean }) => !current);
    expect((await stranger.ask('DELETE', `/sessions/${id}`)).status).toBe(404);
    expect((await stranger.ask('GET', `/sessions?user=${NAME}`)).status).toBe(403);
    expect((await world.ask('GET', `/api/v1/sessions?user=${NAME}`)).json.items.length).toBe(2);
    expect((await other.ask('DELETE', `/sessions/${id}`)).status).toBe(204);
    expect((await phone.ask('GET', '/session')).status).toBe(401);
  });

  it('end when nobody uses them, sooner or later as the fleet wishes', async () => {
    const anna = await withPassword();
    world.clock.advance(12 * 3_600_000);
    expect((await anna.ask('GET', '/session')).status).toBe(401);
    await world.ask('PATCH', '/api/v1/sign-in-policy', { body: { idleMs: 300_000, sessionMs: 3_600_000 } });
    await enter(anna);
    world.clock.advance(299_999);
    expect((await anna.ask('GET', '/session')).status).toBe(200);
    world.clock.advance(300_000);
    expect((await anna.ask('GET', '/session')).status).toBe(401);
  });

  it('of a browser that signs in anew is ended', async () => {
    const anna = await withPassword();
    const before = anna.cookie() ?? '';
    await enter(anna);
    expect((await world.ask('GET', '/api/v1/session', { as: null, headers: { cookie: before } })).status).toBe(401);
  });

  it('of somebody who is disabled end, with their tokens, until they are enabled again', async () => {
    const anna = await withPassword();
    expect((await world.ask('POST', `/api/v1/users/${NAME}/disable`, { body: { because: 'left' } })).json.disabledAtMs).toBe(
      world.clock.now(),
    );
    expect((await anna.ask('GET', '/session')).status).toBe(401);
    expect((await world.ask('GET', '/api/v1/session', { as: 'operator' })).status).toBe(401);
    expect((await enter(anna)).json).toMatchObject({ status: 403, detail: `the account ${NAME} is disabled: left` });
    expect((await enter(anna, 'wrong wrong wrong')).status).toBe(401);
    await world.ask('POST', `/api/v1/users/${NAME}/enable`, { body: {} });
    expect((await world.ask('GET', '/api/v1/session', { as: 'operator' })).status).toBe(200);
    expect((await enter(anna)).status).toBe(201);
  });
});
