import { realRandom } from '@drover/shared/lib/random';
import { newId, type UserId } from '@drover/shared/model/id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, ORIGIN } from '../../../test/control-plane/app-world.ts';
import { hashOfSecret } from '../db/secret.ts';

/** Rights where a route alone does not say all: second ways to a thing, what gives rights away, and what is told of things that one may not see. */

let world: AppWorld;
let storage: string;
let network: string;
beforeEach(async () => {
  world = await createAppWorld();
  storage = (await world.ask('GET', '/api/v1/storages')).json.items[0].id;
  network = (await world.ask('GET', '/api/v1/networks')).json.items[0].id;
  for (const [name, tags] of [
    ['web', ['prod']],
    ['db', ['test']],
  ] as const)
    expect((await world.ask('POST', '/api/v1/guests', { body: { type: 'container', name, image: 'debian-13', tags } })).status).toBe(202);
});
afterEach(() => world.close());

interface Person {
  readonly id: UserId;
  readonly name: string;
  ask(method: string, path: string, body?: unknown): ReturnType<AppWorld['ask']>;
}

/** Somebody who has these roles: "operator on /tag/prod". */
async function somebody(name: string, ...grants: readonly string[]): Promise<Person> {
  const id = newId('user', realRandom);
  await world.store.access.addUser({ id, name, createdAtMs: world.clock.now() }, []);
  const token = { id: newId('token', realRandom), kind: 'api', name: 'test', userId: id, ownGrantsOnly: false } as const;
  await world.store.access.addToken({ ...token, createdAtMs: 1, lastUsedAtMs: world.clock.now(), expiresAtMs: null }, hashOfSecret(name));
  for (const grant of grants) await grantTo(`user:${name}`, grant);
  return { id, name, ask: (method, path, body) => askAs(name, method, path, body) };
}

async function grantTo(who: string, grant: string, more: object = {}) {
  const [role, scope] = grant.split(' on ');
  const answer = await world.ask('POST', '/api/v1/grants', { body: { who, role, scope, ...more } });
  expect([grant, answer.status, answer.json?.detail]).toEqual([grant, 201, undefined]);
  return answer.json;
}

async function askAs(secret: string, method: string, path: string, body?: unknown) {
  const response = await world.app.request(`${ORIGIN}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: text === '' ? undefined : JSON.parse(text) };
}

const namesOf = (items: readonly { name: string }[]): string[] => items.map(({ name }) => name);

describe('a thing that one may not see', () => {
  it('answers exactly like one that does not exist, whatever is asked of it', async () => {
    const anna = await somebody('anna', 'operator on /tag/prod');
    expect((await anna.ask('GET', '/guests/web')).status).toBe(200);
    const ways = [
      ['GET', ''],
      ['PATCH', '', { notes: 'x' }],
      ['DELETE', ''],
      ['GET', '/figures'],
      ...['start', 'stop', 'shutdown', 'reboot', 'console'].map((verb) => ['POST', `/${verb}`] as const),
      ['POST', '/exec', { command: ['true'] }],
      ['POST', '/pool', { pool: null }],
    ] as const;
    for (const [method, path, body] of ways) {
      const hidden = await anna.ask(method, `/guests/db${path}`, body);
      const absent = await anna.ask(method, `/guests/dc${path}`, body);
      expect([method, path, hidden.status, hidden.text.replaceAll('db', 'dc')]).toEqual([method, path, 404, absent.text]);
    }
    const [hidden, absent] = [await anna.ask('GET', '/guests/101'), await anna.ask('GET', '/guests/102')];
    expect(hidden.text.replaceAll('101', '102')).toBe(absent.text);
  });

  it('is in no list, no search and no count, and neither are the tasks about it', async () => {
    const anna = await somebody('anna', 'operator on /tag/prod');
    for (const query of ['', '?search=db', '?search=100', '?tag=test', '?type=container', '?name=db', '?limit=1', '?host=fra-h03']) {
      const { items, total } = (await anna.ask('GET', `/guests${query}`)).json;
      const all = (await world.ask('GET', `/api/v1/guests${query}`)).json;
      const wanted = namesOf(all.items).filter((name) => name === 'web');
      if (query !== '?limit=1') expect([query, namesOf(items), total]).toEqual([query, wanted, wanted.length]);
      expect(namesOf(items)).not.toContain('db');
    }
    const { items, total } = (await anna.ask('GET', '/tasks')).json;
    expect([items.map((task: { target: { name: string } }) => task.target.name), total]).toEqual([['web'], 1]);
    const task = (await world.ask('GET', '/api/v1/tasks?target=db')).json.items[0].id;
    for (const path of [`/tasks/${task}`, `/tasks/${task}/log`]) expect((await anna.ask('GET', path)).status).toBe(404);
    expect((await anna.ask('POST', `/tasks/${task}/cancel`)).status).toBe(404);
  });

  it('is told of by no message about others: not as a near name, a host that is full, or an image in use', async () => {
    const anna = await somebody('anna', 'operator on /tag/prod');
    expect((await anna.ask('GET', '/guests/d')).text).not.toContain('db');
    const onHost = await anna.ask('POST', '/guests', { type: 'container', name: 'new', image: 'debian-13', host: 'fra-h03' });
    const nowhere = await anna.ask('POST', '/guests', { type: 'container', name: 'new', image: 'debian-13', host: 'fra-h99' });
    expect([onHost.status, onHost.text.replaceAll('h03', 'h99')]).toEqual([404, nowhere.text]);
    expect((await anna.ask('GET', '/images')).json).toEqual({ items: [], next: null, total: 0 });
    expect((await anna.ask('POST', '/guests', { type: 'container', name: 'new', image: 'debian-13' })).text).not.toContain('fra');
  });
});

describe('many at once', () => {
  it('switches those that one may, and says of the others what each alone would say', async () => {
    const anna = await somebody('anna', 'guest-user on /vms/web', 'auditor on /vms/db');
    const { items } = (await anna.ask('POST', '/guests/start', { guests: ['web', 'db', 'nobody'] })).json;
    expect(items.map(({ problem }: { problem: { code: string } | null }) => problem?.code ?? 'done')).toEqual([
      'done',
      'not-allowed',
      'not-found',
    ]);
    const ben = await somebody('ben', 'auditor on /');
    expect((await ben.ask('POST', '/guests/stop', { guests: ['web'] })).status).toBe(403);
  });

  it('upgrades no host that one may not change', async () => {
    const anna = await somebody('anna', 'auditor on /');
    expect((await anna.ask('POST', '/upgrades', { all: true })).status).toBe(403);
  });
});

describe('something new', () => {
  it('takes rights where it comes to lie, on its way there too: the image that has to be fetched first', async () => {
    const anna = await somebody('anna', 'operator on /vms', `guest-user on /storage/${storage}`, `operator on /network/${network}`);
    const body = { type: 'container', name: 'new', image: 'debian-13' };
    expect((await anna.ask('POST', '/guests', body)).status).not.toBe(202);
    const { id } = await grantTo('user:anna', `backup-operator on /storage/${storage}`);
    expect((await anna.ask('POST', '/guests', body)).status).toBe(202);
    // debian-12 is not there yet: it would be built, and kept.
    const fetching = await anna.ask('POST', '/guests', { ...body, name: 'newer', image: 'debian-12' });
    expect(fetching.json).toMatchObject({ status: 403, detail: expect.stringContaining('Datastore.AllocateTemplate') });
    expect((await world.ask('DELETE', `/api/v1/grants/${id}`)).status).toBe(204);
    expect((await anna.ask('POST', '/guests', { ...body, name: 'newest' })).status).not.toBe(202);
  });

  it('is not one’s own for the tag that one gives it', async () => {
    const anna = await somebody('anna', 'operator on /tag/mine', `operator on /storage/${storage}`, `operator on /network/${network}`);
    const made = await anna.ask('POST', '/guests', { type: 'container', name: 'new', image: 'debian-13', tags: ['mine'] });
    expect(made.json).toMatchObject({ status: 403, detail: expect.stringContaining('VM.Allocate') });
  });

  it('an upload is refused before it is sent', async () => {
    const anna = await somebody('anna', 'auditor on /');
    const upload = await anna.ask('POST', '/images/upload?name=mine&form=iso&format=iso', 'bytes');
    expect(upload.status).toBe(403);
    expect(await world.uploadFiles()).toEqual([]);
  });

  it('a pool is made inside of those that one has', async () => {
    await world.ask('POST', '/api/v1/pools', { body: { path: 'shop' } });
    const anna = await somebody('anna', 'owner on /pool/shop');
    expect((await anna.ask('POST', '/pools', { path: 'shop/test' })).status).toBe(201);
    expect((await anna.ask('POST', '/pools', { path: 'other' })).status).toBe(403);
    expect((await anna.ask('GET', '/pools')).json.items.map(({ path }: { path: string }) => path)).toEqual(['shop', 'shop/test']);
  });
});

describe('rights themselves', () => {
  it('are given away only by who has them, and by nobody to themselves', async () => {
    const anna = await somebody('anna', 'owner on /tag/prod', 'operator on /');
    const give = (role: string, scope: string) => anna.ask('POST', '/grants', { who: 'user:anna', role, scope });
    expect((await give('owner', '/')).status).toBe(403);
    expect((await give('guest-user', '/vms/db')).status).toBe(403);
    expect((await give('guest-user', '/tag/prod')).status).toBe(201);
    expect((await anna.ask('POST', '/roles', { name: 'mine', privileges: ['Permissions.Modify'] })).status).toBe(403);
  });

  it('end by the minute that was said, and at once when they are taken back', async () => {
    const anna = await somebody('anna');
    const until = await grantTo('user:anna', 'guest-user on /vms/web', { untilMs: world.clock.now() + 60_000 });
    expect((await anna.ask('GET', '/guests/web')).status).toBe(200);
    world.clock.advance(60_000);
    expect((await anna.ask('GET', '/guests/web')).status).toBe(404);
    const { items } = (await world.ask('GET', '/api/v1/grants?who=user:anna')).json;
    expect(items).toMatchObject([{ id: until.id, isOver: true, scopeName: 'web', scope: '/vms/100' }]);
    const now = await grantTo('user:anna', 'guest-user on /vms/db');
    expect((await anna.ask('GET', '/guests/db')).status).toBe(200);
    expect((await world.ask('DELETE', `/api/v1/grants/${now.id}`)).status).toBe(204);
    expect((await anna.ask('GET', '/guests/db')).status).toBe(404);
  });

  it('of a group are those of its members, as long as they are in it', async () => {
    const anna = await somebody('anna');
    await world.ask('POST', '/api/v1/groups', { body: { name: 'ops' } });
    await grantTo('group:ops', 'guest-user on /vms/web');
    expect((await anna.ask('GET', '/guests/web')).status).toBe(404);
    expect((await world.ask('POST', '/api/v1/groups/ops/members', { body: { user: 'anna' } })).json.members).toMatchObject([
      { name: 'anna' },
    ]);
    expect((await anna.ask('GET', '/guests/web')).status).toBe(200);
    expect((await world.ask('DELETE', '/api/v1/groups/ops/members/anna')).json.members).toEqual([]);
    expect((await anna.ask('GET', '/guests/web')).status).toBe(404);
  });

  it('to come into a group takes what the group may', async () => {
    await world.ask('POST', '/api/v1/groups', { body: { name: 'owners' } });
    await grantTo('group:owners', 'owner on /');
    await world.ask('POST', '/api/v1/roles', { body: { name: 'people', privileges: ['User.Modify', 'Sys.Audit'] } });
    const anna = await somebody('anna', 'people on /access');
    expect((await anna.ask('POST', '/groups/owners/members', { user: 'anna' })).status).toBe(403);
    // Nor by becoming somebody who may: a link, another password, a second factor that is gone.
    expect((await anna.ask('POST', '/users/owner-anna/sign-in-link')).status).toBe(403);
    expect((await anna.ask('POST', '/users/owner-anna/reset-second-factor')).status).toBe(403);
    expect((await anna.ask('POST', '/users/owner-anna/disable', { because: 'x' })).status).toBe(403);
    expect((await anna.ask('DELETE', '/users/owner-anna')).status).toBe(403);
  });

  it('are never so few that nobody owns the fleet', async () => {
    const { items } = (await world.ask('GET', '/api/v1/grants?scope=/')).json;
    const own = items.find(({ role }: { role: string }) => role === 'owner').id;
    expect((await world.ask('DELETE', `/api/v1/grants/${own}`)).json).toMatchObject({ status: 409, code: 'wrong-state' });
    await somebody('eve', 'owner on /');
    expect((await world.ask('DELETE', `/api/v1/grants/${own}`)).status).toBe(204);
    expect((await world.ask('GET', '/api/v1/guests')).json.items).toEqual([]);
  });

  it('cannot be granted where nothing is, to nobody, twice, or by a role that there is not', async () => {
    const grant = (body: object) =>
      world.ask('POST', '/api/v1/grants', { body: { who: 'user:operator-anna', role: 'auditor', scope: '/', ...body } });
    expect((await grant({ scope: '/vms/nobody' })).json).toMatchObject({ status: 404, field: 'scope' });
    expect((await grant({ scope: '/vms/' })).json).toMatchObject({ status: 400, field: 'scope' });
    expect((await grant({ who: 'user:nobody' })).json).toMatchObject({ status: 404, field: 'who' });
    expect((await grant({ who: 'nobody' })).json).toMatchObject({ status: 400, field: 'who' });
    expect((await grant({ role: 'king' })).json).toMatchObject({ status: 404, field: 'role' });
    expect((await grant({ untilMs: 1 })).json).toMatchObject({ status: 400, field: 'until' });
    expect((await grant({})).status).toBe(201);
    expect((await grant({})).json).toMatchObject({ code: 'name-taken' });
  });

  it('of a role of one’s own follow it, and it stays while it is granted', async () => {
    const role = (privileges: string[]) => world.ask('POST', '/api/v1/roles', { body: { name: 'starter', privileges } });
    expect((await role(['VM.Audit'])).status).toBe(201);
    const anna = await somebody('anna', 'starter on /vms/web');
    expect((await anna.ask('POST', '/guests/web/start')).status).toBe(403);
    await role(['VM.Audit', 'VM.PowerMgmt']);
    expect((await anna.ask('POST', '/guests/web/start')).status).toBe(202);
    expect((await world.ask('DELETE', '/api/v1/roles/starter')).json).toMatchObject({ code: 'wrong-state' });
    expect((await world.ask('DELETE', '/api/v1/roles/owner')).json).toMatchObject({ code: 'name-taken' });
  });
});

describe('a pool with limits', () => {
  const MiB = 2 ** 20;
  const make = (name: string, more: object = {}) =>
    world.ask('POST', '/api/v1/guests', {
      body: { type: 'container', name, image: 'debian-13', memoryBytes: 256 * MiB, pool: 'shop/test', ...more },
    });
  beforeEach(async () => {
    await world.ask('POST', '/api/v1/pools', { body: { path: 'shop', quota: { memoryBytesMax: 512 * MiB } } });
    await world.ask('POST', '/api/v1/pools', { body: { path: 'shop/test', quota: { guestsMax: 2 } } });
  });

  it('holds for what is made, grows or is put into it, and for what is inside of it too', async () => {
    expect((await make('a')).status).toBe(202);
    expect((await make('b', { memoryBytes: 300 * MiB })).json).toMatchObject({
      ...{ status: 409, code: 'over-quota' },
      detail: 'pool shop may come to 512 MiB of memory; with this it would be 556 MiB of memory',
    });
    expect((await make('b')).status).toBe(202);
    expect((await make('c', { memoryBytes: 16 * MiB, pool: 'shop' })).json.code).toBe('over-quota');
    expect((await world.ask('PATCH', '/api/v1/guests/a', { body: { memoryBytes: 257 * MiB } })).json.code).toBe('over-quota');
    expect((await world.ask('PATCH', '/api/v1/guests/a', { body: { memoryBytes: 100 * MiB } })).status).toBe(202);
    expect((await world.ask('POST', '/api/v1/guests/web/pool', { body: { pool: 'shop/test' } })).json.code).toBe('over-quota');
    expect((await world.ask('POST', '/api/v1/guests/a/pool', { body: { pool: 'shop' } })).status).toBe(200);
    expect((await world.ask('GET', '/api/v1/pools/shop')).json.members).toMatchObject([{ kind: 'guest', name: 'a' }]);
  });

  it('is not passed by two who come at once', async () => {
    const both = await Promise.all([make('a'), make('b'), make('c')]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 202, 409]);
  });

  it('that was lowered takes nothing away, and lets shrink', async () => {
    expect((await make('a')).status).toBe(202);
    await world.ask('PATCH', '/api/v1/pools/shop', { body: { quota: { memoryBytesMax: 16 * MiB } } });
    expect((await world.ask('PATCH', '/api/v1/guests/a', { body: { memoryBytes: 128 * MiB, notes: 'smaller' } })).status).toBe(202);
    expect((await world.ask('POST', '/api/v1/guests/a/start')).status).toBe(202);
  });

  it('is not emptied by its removal, nor made where there is none around it', async () => {
    expect((await make('a')).status).toBe(202);
    expect((await world.ask('DELETE', '/api/v1/pools/shop%2Ftest')).json.code).toBe('wrong-state');
    expect((await world.ask('DELETE', '/api/v1/pools/shop')).json.code).toBe('wrong-state');
    expect((await world.ask('POST', '/api/v1/pools', { body: { path: 'nowhere/test' } })).json.code).toBe('not-found');
    expect((await make('b', { pool: 'nowhere' })).json).toMatchObject({ code: 'not-found', field: 'pool' });
  });
});

describe('a tag by which somebody has rights', () => {
  it('is set and taken only by who may change rights there', async () => {
    await somebody('eve', 'owner on /tag/mine');
    const anna = await somebody('anna', 'operator on /');
    expect((await anna.ask('PATCH', '/guests/web', { tags: ['prod', 'mine'] })).json).toMatchObject({ status: 403, field: 'tags' });
    expect((await anna.ask('PATCH', '/guests/web', { tags: ['prod', 'other'] })).status).toBe(202);
    expect((await anna.ask('POST', '/guests', { type: 'container', name: 'new', image: 'debian-13', tags: ['mine'] })).status).toBe(403);
    expect((await world.ask('PATCH', '/api/v1/guests/web', { body: { tags: ['mine'] } })).status).toBe(202);
    expect((await anna.ask('PATCH', '/guests/web', { tags: [] })).status).toBe(403);
  });
});

describe('a token', () => {
  it('with grants of its own has those alone, and never more than its user', async () => {
    const anna = await somebody('anna', 'operator on /vms/web');
    const { token, secret } = (await anna.ask('POST', '/tokens', { name: 'ci', role: 'owner' })).json;
    expect(token).toMatchObject({ ownGrantsOnly: true, roles: ['owner'] });
    expect((await askAs(secret, 'GET', '/guests')).json.items.map(({ name }: { name: string }) => name)).toEqual(['web']);
    expect((await askAs(secret, 'POST', '/guests/web/start')).status).toBe(202);
    expect((await askAs(secret, 'GET', '/hosts')).json.items).toEqual([]);
    const { secret: watching } = (await anna.ask('POST', '/tokens', { name: 'watch', role: 'auditor' })).json;
    expect((await askAs(watching, 'GET', '/guests/web')).status).toBe(200);
    expect((await askAs(watching, 'POST', '/guests/web/start')).status).toBe(403);
    // Not by another token, nor by a link, is more to be had.
    expect((await askAs(watching, 'POST', '/tokens', { name: 'more' })).status).toBe(403);
    expect((await askAs(watching, 'POST', '/users/anna/sign-in-link')).status).toBe(403);
  });

  it('is good until the moment that was said', async () => {
    const { secret } = (await world.ask('POST', '/api/v1/tokens', { body: { name: 'ci', expiresAtMs: world.clock.now() + 1_000 } })).json;
    expect((await askAs(secret, 'GET', '/guests')).status).toBe(200);
    world.clock.advance(1_000);
    expect((await askAs(secret, 'GET', '/guests')).status).toBe(401);
  });
});

describe('live events', () => {
  it('tell of what one may see, also that it is gone, and begin anew when that changes', async () => {
    const anna = await somebody('anna', 'guest-user on /tag/prod');
    const response = await world.app.request(`${ORIGIN}/api/v1/events`, { headers: { authorization: 'Bearer anna' } });
    const reader = response.body?.getReader();
    if (!reader) throw new Error('no body');
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await next()).toContain('event: hello');
    const gone = (id: string) => world.commit({ events: [{ kind: 'guest', id, gone: true }], removals: [{ kind: 'guest', id }] });
    await gone('101');
    await gone('100');
    const told = await next();
    expect(told).toContain('"id":"100","gone":true');
    expect(told).not.toContain('"101"');
    await grantTo(`user:${anna.name}`, 'auditor on /nodes/fra-h03');
    expect(await next()).toContain('event: reset');
    await reader.cancel();
  });
});
