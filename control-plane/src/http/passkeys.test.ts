import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld } from '../../../test/control-plane/app-world.ts';
import { type Authenticator, createAuthenticator } from '../../../test/control-plane/authenticator.ts';
import { createPerson, type Person, signedIn } from '../../../test/control-plane/person.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

const SITE = 'https://drover.test:8420';
const NAME = 'operator-anna';

async function addPasskey(person: Person, passkey: Authenticator, lies = {}, name = 'phone') {
  const { ticket, options } = (await person.ask('POST', '/account/passkeys/challenge', {})).json;
  return person.ask('POST', '/account/passkeys', { ticket, name, passkey: passkey.create(options, lies) });
}

async function enter(person: Person, passkey: Authenticator, lies = {}) {
  const { ticket, options } = (await person.ask('POST', '/session/passkey', {})).json;
  return person.ask('POST', '/session', { ticket, passkey: passkey.get(options, lies) });
}

async function withPasskey(): Promise<{ anna: Person; phone: Authenticator }> {
  const [anna, phone] = [await signedIn(world, NAME), createAuthenticator(SITE)];
  expect((await addPasskey(anna, phone)).json.codes.length).toBe(10);
  return { anna, phone };
}

describe('a passkey', () => {
  it('signs its user in without a name, and is two factors in one', async () => {
    const { phone } = await withPasskey();
    await world.ask('PATCH', '/api/v1/sign-in-policy', { body: { secondFactor: 'everybody' } });
    const anna = createPerson(world);
    expect((await enter(anna, phone)).json.user.name).toBe(NAME);
    expect((await anna.ask('GET', '/guests')).status).toBe(200);
    expect((await anna.ask('GET', '/account')).json.passkeys).toMatchObject([
      { name: 'phone', site: 'drover.test', lastUsedAtMs: world.clock.now() },
    ]);
  });

  it('is asked for after a password, and then need not ask who one is', async () => {
    const { anna, phone } = await withPasskey();
    await anna.ask('POST', '/account/password', { password: 'tractor violin 9 lamp' });
    const again = createPerson(world);
    const asked = (await again.ask('POST', '/session', { name: NAME, password: 'tractor violin 9 lamp' })).json;
    expect(asked).toMatchObject({ needs: ['passkey', 'recovery'], passkey: { allowCredentials: [{ id: phone.id }], rpId: 'drover.test' } });
    const passkey = phone.get(asked.passkey, { userVerified: false });
    expect((await again.ask('POST', '/session/second-factor', { ticket: asked.ticket, passkey })).status).toBe(201);
  });

  it.each([
    [
      'from another site',
      { origin: 'https://drover.test.evil.example' },
      'it answered to the page https://drover.test.evil.example, and this is https://drover.test:8420',
    ],
    ['for another site', { rpId: 'evil.example' }, 'it was made for another site'],
    ['to an older question', { challenge: Buffer.from('old').toString('base64url') }, 'it answered to another question: ask for a new one'],
    ['without asking who one is', { userVerified: false }, 'it did not check who you are: unlock it with a finger or a PIN'],
    ['with a counter that went backwards', { counter: 1 }, 'its counter went backwards: there may be a copy of it'],
  ])('that answers %s is refused in words', async (_how, lies, words) => {
    const { phone } = await withPasskey();
    const answer = await enter(createPerson(world), phone, lies);
    expect(answer.json).toMatchObject({ status: 401, field: 'passkey', detail: `this passkey is not good here: ${words}` });
    expect((await enter(createPerson(world), phone)).status).toBe(201);
  });

  it('of another site is not added', async () => {
    const anna = await signedIn(world, NAME);
    const passkey = createAuthenticator('https://evil.example');
    expect((await addPasskey(anna, passkey)).json).toMatchObject({
      status: 401,
      field: 'passkey',
      detail: expect.stringContaining('evil.example'),
    });
    expect((await anna.ask('GET', '/account')).json.passkeys).toEqual([]);
  });

  it('that nobody knows, or another key that claims its id, is refused', async () => {
    const { phone } = await withPasskey();
    expect((await enter(createPerson(world), createAuthenticator(SITE))).json.detail).toContain('not known here');
    const forged = { ...createAuthenticator(SITE) };
    const { ticket, options } = (await createPerson(world).ask('POST', '/session/passkey', {})).json;
    const passkey = { ...forged.get(options, { counter: 99 }), id: phone.id, rawId: phone.id };
    expect((await createPerson(world).ask('POST', '/session', { ticket, passkey })).json).toMatchObject({ status: 401, field: 'passkey' });
  });

  it('answers a question once', async () => {
    const { phone } = await withPasskey();
    const anna = createPerson(world);
    const { ticket, options } = (await anna.ask('POST', '/session/passkey', {})).json;
    const body = { ticket, passkey: phone.get(options) };
    expect((await anna.ask('POST', '/session', body)).status).toBe(201);
    expect((await createPerson(world).ask('POST', '/session', body)).status).toBe(401);
  });

  it('is renamed and removed by its user alone; with it goes the second factor', async () => {
    const { anna, phone } = await withPasskey();
    const path = `/account/passkeys/${phone.id}`;
    const stranger = await signedIn(world, 'auditor-anna');
    expect((await stranger.ask('PATCH', path, { name: 'mine' })).status).toBe(404);
    expect((await stranger.ask('DELETE', path)).status).toBe(404);
    expect((await anna.ask('PATCH', path, { name: 'old phone' })).json.name).toBe('old phone');
    expect((await addPasskey(anna, createAuthenticator(SITE), {}, 'old phone')).json).toMatchObject({ status: 409, code: 'name-taken' });
    expect((await anna.ask('DELETE', path)).status).toBe(204);
    expect((await enter(createPerson(world), phone)).status).toBe(401);
    expect((await anna.ask('GET', '/account')).json).toMatchObject({ passkeys: [], recoveryCodesLeft: 0 });
  });

  it('is not offered where browsers would refuse it', async () => {
    const byAddress = await createAppWorld({ publicUrl: 'https://192.0.2.7' });
    const answer = await createPerson(byAddress).ask('POST', '/session/passkey', {});
    expect(answer.json).toMatchObject({ status: 422, detail: 'passkeys belong to a host name, and this page was opened as 192.0.2.7' });
    await byAddress.close();
  });

  it('is not asked for without end by whoever only begins', async () => {
    const begin = async () => (await createPerson(world).ask('POST', '/session/passkey', {})).status;
    for (let begun = 0; begun < 30; begun += 1) expect(await begin()).toBe(201);
    expect(await begin()).toBe(429);
    world.clock.advance(60_000);
    expect(await begin()).toBe(201);
  });

  it('that is no passkey at all is refused, whatever is in it', async () => {
    for (const passkey of [{}, { id: 7 }, { ...createAuthenticator(SITE).get({ challenge: 'x' }), response: { clientDataJSON: 'e30' } }]) {
      const { ticket } = (await createPerson(world).ask('POST', '/session/passkey', {})).json;
      expect((await createPerson(world).ask('POST', '/session', { ticket, passkey })).json).toMatchObject({
        status: 400,
        field: 'passkey',
      });
    }
  });
});
