import { realRandom } from '@drover/shared/lib/random';
import { newId } from '@drover/shared/model/id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, ORIGIN } from '../../../test/control-plane/app-world.ts';
import { hashOfSecret } from '../db/secret.ts';

/** Rights explained for the fleet as it is: to whom, about whom, and in which words. */

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
  for (const [name, tag] of [
    ['web', 'prod'],
    ['db', 'test'],
  ])
    await made('/guests', { type: 'container', name, image: 'debian-13', tags: [tag] });
  await made('/pools', { path: 'shop' });
  await made('/guests/web/pool', { pool: 'shop' });
  await made('/groups', { name: 'ops' });
  await person('anna');
  await made('/groups/ops/members', { user: 'anna' });
  await granted('group:ops', 'guest-user', '/pool/shop');
});
afterEach(() => world.close());

async function made(path: string, body: object) {
  const answer = await world.ask('POST', `/api/v1${path}`, { body });
  expect([path, answer.status < 300, answer.json?.detail]).toEqual([path, true, undefined]);
  return answer.json;
}
const granted = (who: string, role: string, scope: string, more: object = {}) => made('/grants', { who, role, scope, ...more });

async function person(name: string): Promise<void> {
  const userId = newId('user', realRandom);
  await world.store.access.addUser({ id: userId, name, createdAtMs: 1 }, []);
  const token = { id: newId('token', realRandom), kind: 'api', name: 'own', userId, ownGrantsOnly: false } as const;
  await world.store.access.addToken({ ...token, createdAtMs: 1, lastUsedAtMs: world.clock.now(), expiresAtMs: null }, hashOfSecret(name));
}

async function explained(secret: string, query: Readonly<Record<string, string>> = {}) {
  const address = `${ORIGIN}/api/v1/access/explain?${new URLSearchParams(query)}`;
  const response = await world.app.request(address, { headers: { authorization: `Bearer ${secret}` } });
  const text = await response.text();
  return { status: response.status, text, json: JSON.parse(text) };
}
const owner = () => world.tokens.owner;

describe('what somebody may do with a thing', () => {
  it('is told with the grants that give it, and names beside ids', async () => {
    const { status, json } = await explained(owner(), { who: 'user:anna', path: '/vms/web' });
    expect(status).toBe(200);
    expect(json).toMatchObject({ who: { kind: 'user', name: 'anna' }, path: '/vms/100', refused: null, withheld: [], cancelledBy: [] });
    expect(json.memberOf).toEqual(['/pool/shop', '/tag/prod', `/nodes/${world.hostId}`]);
    const found = json.privileges.find(({ privilege }: { privilege: string }) => privilege === 'VM.Console');
    expect(found).toMatchObject({ because: [{ via: '/pool/shop', effect: 'gives', grant: { role: 'guest-user' } }] });
    const { kind, id } = found.because[0].grant.principal;
    expect([json.names[`${kind}:${id}`], json.names['/vms/100'], json.names[`/nodes/${world.hostId}`]]).toEqual(['ops', 'web', 'fra-h03']);
  });

  it('is told with what stood in the way', async () => {
    await granted('user:anna', 'auditor', '/vms/db', { untilMs: world.clock.now() + 1_000 });
    world.clock.advance(1_000);
    const { json } = await explained(owner(), { who: 'anna', path: '/vms/101' });
    expect(json).toMatchObject({ privileges: [] });
    expect(json.withheld[0].because[0]).toMatchObject({ effect: 'expired', grant: { scope: '/vms/101' } });
  });

  it('agrees with what the gate lets through', async () => {
    const names = async (path: string) =>
      (await explained('anna', { path })).json.privileges.map(({ privilege }: { privilege: string }) => privilege);
    expect(await names('/vms/web')).toContain('VM.PowerMgmt');
    expect(await names('/vms/web')).not.toContain('VM.Allocate');
    expect(await names('/')).toEqual([]);
  });
});

describe('without a path', () => {
  it('tells of all, of pools and of what grants name, and of nothing that the asker may not see', async () => {
    await granted('user:anna', 'no-access', '/vms/db');
    await granted('user:anna', 'backup-operator', '/vms/web');
    const paths = (json: { paths: { path: string }[] }) => json.paths.map(({ path }) => path);
    const tops = ['/', '/access', '/network', '/nodes', '/pool'];
    const whole = await explained(owner(), { who: 'anna' });
    expect(paths(whole.json)).toEqual([...tops, '/pool/shop', '/storage', '/vms', '/vms/100', '/vms/101']);
    const own = await explained('anna');
    expect(paths(own.json)).not.toContain('/vms/101');
    expect(own.json.paths.find(({ path }: { path: string }) => path === '/vms/100').privileges).toContainEqual({
      privilege: 'VM.Backup',
      inherit: true,
    });
  });
});

describe('who may ask', () => {
  it('everybody about themselves, in whatever way they say who', async () => {
    const [{ json: unsaid }, { json: said }] = [await explained('anna'), await explained('anna', { who: 'user:anna' })];
    expect(unsaid.who).toMatchObject({ kind: 'token', name: 'anna!own' });
    expect(said.who).toMatchObject({ kind: 'user', name: 'anna' });
    expect(unsaid.paths).toEqual(said.paths);
    expect((await explained('anna', { who: 'anna!own' })).status).toBe(200);
  });

  it('about others only who sees people: to anybody else these are not there', async () => {
    for (const [there, absent] of [
      ['user:owner-anna', 'user:nobody'],
      ['group:ops', 'group:nobody'],
      ['token:owner-anna!test', 'token:nobody!test'],
    ] as const) {
      const [hidden, none] = [await explained('anna', { who: there }), await explained('anna', { who: absent })];
      expect([hidden.status, hidden.text.replaceAll(there.split(':')[1] ?? '', absent.split(':')[1] ?? '')]).toEqual([404, none.text]);
    }
    expect((await explained(world.tokens.auditor, { who: 'user:anna' })).status).toBe(200);
  });

  it('a token with own grants only knows of nobody but itself', async () => {
    const { secret } = (await world.ask('POST', '/api/v1/tokens', { body: { name: 'ci', role: 'guest-user' } })).json;
    const { json } = await explained(secret, { path: '/vms/web' });
    expect(json.who).toMatchObject({ kind: 'token', name: 'owner-anna!ci' });
    expect(json.privileges.map(({ privilege }: { privilege: string }) => privilege)).toContain('VM.PowerMgmt');
    expect((await explained(secret, { who: 'user:owner-anna' })).status).toBe(404);
  });
});

describe('what is not there', () => {
  it('is told of in the same words as what one may not see', async () => {
    const [hidden, absent] = [await explained('anna', { path: '/vms/db' }), await explained('anna', { path: '/vms/dc' })];
    expect([hidden.status, hidden.text.replaceAll('db', 'dc')]).toEqual([404, absent.text]);
    expect(absent.json).toMatchObject({ detail: 'there is nothing at /vms/dc', field: 'path' });
    const [host, noHost] = [await explained('anna', { path: '/nodes/fra-h03' }), await explained('anna', { path: '/nodes/fra-h99' })];
    expect([host.status, host.text.replaceAll('h03', 'h99')]).toEqual([404, noHost.text]);
    // In what is told of a thing that they see, too.
    expect((await explained('anna', { path: '/vms/web' })).text).not.toMatch(/fra-h03|nodes/);
  });

  it('is a mistake where it is no path', async () =>
    expect((await explained('anna', { path: 'web' })).json).toMatchObject({ status: 400, field: 'path' }));
});

describe('the question turned around', () => {
  it('tells of everybody who may do anything with a thing, and by how much', async () => {
    const { json } = await world.ask('GET', '/api/v1/access/holders?path=/vms/web');
    const found = json.items.map(({ who, privileges }: { who: { name: string }; privileges: string[] }) => [who.name, privileges.length]);
    expect(Object.fromEntries(found)).toMatchObject({ 'owner-anna': 47, 'anna': 7 });
    const elsewhere = (await world.ask('GET', '/api/v1/access/holders?path=/vms/db')).json.items;
    expect(elsewhere.map(({ who }: { who: { name: string } }) => who.name)).not.toContain('anna');
    expect((await world.ask('GET', '/api/v1/access/holders?path=/vms/nobody')).status).toBe(404);
  });
});
