import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld } from '../../../test/control-plane/app-world.ts';
import { createPerson, signedIn } from '../../../test/control-plane/person.ts';
import { codeAt } from '../identity/totp.ts';
import { recoverOwner } from './recover-owner.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

const recover = (name: string | null, resetSecondFactor = false) =>
  recoverOwner(world.deps, { name, resetSecondFactor, url: 'http://drover.test:8420' });

async function enter(signInUrl: string) {
  const person = createPerson(world);
  const answer = await person.ask('POST', '/session', { token: signInUrl.split('token=')[1] });
  return { person, answer };
}

describe('an owner who is lost', () => {
  it('comes in by a link that only the machine itself can make', async () => {
    const { user, signInUrl, done } = await recover(null);
    expect([user.name, done]).toEqual(['owner-anna', []]);
    const { person, answer } = await enter(signInUrl);
    expect(answer.json.user.name).toBe('owner-anna');
    expect((await person.ask('GET', '/users')).status).toBe(200);
    expect((await enter(signInUrl)).answer.status).toBe(401);
  });

  it('is made, or becomes one, or is enabled, as need be', async () => {
    const made = await recover('rescue');
    expect(made.done).toEqual(['The user rescue was made.']);
    expect((await (await enter(made.signInUrl)).person.ask('GET', '/users')).status).toBe(200);
    await world.ask('POST', '/api/v1/users/auditor-anna/disable', { body: { because: 'left' } });
    const enabled = await recover('auditor-anna');
    expect(enabled.done).toEqual(['The user auditor-anna was disabled, and may come in again.']);
    const { person } = await enter(enabled.signInUrl);
    expect((await person.ask('POST', '/users', { name: 'new-here', role: 'owner' })).status).toBe(201);
    // Twice is no harm.
    expect((await recover('auditor-anna')).done).toEqual([]);
  });

  it('keeps the second factor, unless it is to go', async () => {
    const anna = await signedIn(world, 'owner-anna');
    const { seed } = (await anna.ask('POST', '/account/totp', {})).json;
    await anna.ask('POST', '/account/totp/confirm', { code: codeAt(seed, world.clock.now()) });
    const kept = await recover('owner-anna');
    expect(kept.done).toEqual(['After the link they are asked for their second factor; --reset-second-factor takes it away.']);
    expect((await enter(kept.signInUrl)).answer.json.needs).toEqual(['totp', 'recovery']);
    const reset = await recover('owner-anna', true);
    expect((await anna.ask('GET', '/session')).status).toBe(401);
    expect((await enter(reset.signInUrl)).answer.json.user.name).toBe('owner-anna');
  });

  it('has a name that can be one', async () => {
    await expect(recover('Not A Name')).rejects.toMatchObject({ code: 'bad-request' });
  });
});
