import { accepted, GuestView, PoweredGuests, StreamView } from '@drover/shared/api/views';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld } from '../../../../test/control-plane/app-world.ts';
import { GuestPage } from '../components.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

const WEB = { type: 'container', name: 'web', image: 'debian-13' };
const create = async (body: object = WEB) => (await world.ask('POST', '/api/v1/guests', { body })).json.resource.id as number;

describe('guests', () => {
  it('creating one answers 202 with the guest, its task, its generation and its address, and wakes the host', async () => {
    const answer = await world.ask('POST', '/api/v1/guests', { body: WEB });
    expect(answer.status).toBe(202);
    const { resource, task } = accepted(GuestView).parse(answer.json);
    expect(resource).toMatchObject({
      id: 100,
      name: 'web',
      state: 'creating',
      generation: 1,
      condition: 'pending',
      image: { name: 'debian-13' },
    });
    expect(task).toMatchObject({
      title: 'create guest web',
      state: 'queued',
      target: { kind: 'guest', id: '100', name: 'web' },
      createdBy: 'owner-anna',
    });
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.headers.get('location')).toBe('/api/v1/guests/100');
    expect(world.nudged).toEqual([world.hostId]);
  });

  it('creating one is refused with the field, and with what would do in units of people', async () => {
    const refusal = async (over: object) => (await world.ask('POST', '/api/v1/guests', { body: { ...WEB, ...over } })).json;
    expect(await refusal({ memoryBytes: 1 })).toMatchObject({ field: 'memoryBytes', detail: 'memoryBytes: at least 16 MiB' });
    expect(await refusal({ diskBytes: 2 ** 50 })).toMatchObject({ field: 'diskBytes', detail: 'diskBytes: at most 65536 GiB' });
    await world.ask('POST', '/api/v1/images', { body: { name: 'debian-13', form: 'container' } });
    const { field, suggestion } = await refusal({ image: 'nothing-like-it' });
    expect(field).toBe('image');
    expect(suggestion.match(/debian-13/g)).toHaveLength(1);
  });

  it('one can be read by name and by id', async () => {
    const id = await create();
    const byId = await world.ask('GET', `/api/v1/guests/${id}`);
    const byName = await world.ask('GET', '/api/v1/guests/web');
    expect(byId.status).toBe(200);
    expect(GuestView.parse(byId.json)).toEqual(byName.json);
    expect(byId.headers.get('etag')).toBe('"1"');
  });

  it('one that is not there is told of in the same words by every address', async () => {
    await create();
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/start'],
      ['POST', '/console'],
    ] as const) {
      const { json } = await world.ask(method, `/api/v1/guests/wbe${path}`, method === 'GET' ? {} : { body: {} });
      expect([method, path, json]).toMatchObject([method, path, { code: 'not-found', field: 'guest', suggestion: 'did you mean web?' }]);
    }
  });

  it('a list comes by id, in pages that together are the whole', async () => {
    for (const name of ['e', 'b', 'c', 'd', 'a']) await create({ ...WEB, name });
    const names: string[] = [];
    let query = '?limit=2';
    for (let pages = 0; pages < 10; pages += 1) {
      const { json } = await world.ask('GET', `/api/v1/guests${query}`);
      const page = GuestPage.parse(json);
      names.push(...page.items.map(({ name }) => name));
      expect(page.total).toBe(5);
      if (page.next === null) break;
      query = `?limit=2&after=${encodeURIComponent(page.next)}`;
    }
    expect(names).toEqual(['e', 'b', 'c', 'd', 'a']);
  });

  it('a list can be searched and filtered', async () => {
    await create({ ...WEB, name: 'shop-1', tags: ['blue'] });
    await create({ ...WEB, name: 'shop-2', tags: ['green'] });
    const names = async (query: string) =>
      (await world.ask('GET', `/api/v1/guests?${query}`)).json.items.map(({ name }: { name: string }) => name);
    expect(await names('search=shop')).toEqual(['shop-1', 'shop-2']);
    expect(await names('search=shop+blue')).toEqual(['shop-1']);
    expect(await names('tag=green')).toEqual(['shop-2']);
    expect(await names('name=shop-2')).toEqual(['shop-2']);
    expect(await names('host=nowhere')).toEqual([]);
    expect(await names('type=vm')).toEqual([]);
  });

  it('an edit that rests on an older generation is refused with 412, and the newer one is named', async () => {
    const id = await create();
    const edit = (generation: string) =>
      world.ask('PATCH', `/api/v1/guests/${id}`, { body: { notes: 'hello' }, headers: { 'if-match': generation } });
    const first = await edit('"1"');
    expect(first.status).toBe(202);
    expect(first.headers.get('etag')).toBe('"2"');
    const second = await edit('"1"');
    expect(second.status).toBe(412);
    expect(second.json).toMatchObject({ code: 'stale-generation' });
    expect(second.json.detail).toContain('2');
    expect((await edit('*')).status).toBe(202);
    expect((await edit('what?')).json).toMatchObject({ status: 400, field: 'If-Match' });
  });

  it('each power action is accepted, asks for that power, and refuses a field it does not know', async () => {
    const id = await create();
    await world.observe('guest', String(id), 1, { observed: { power: 'stopped' } });
    for (const [verb, power] of [
      ['start', 'running'],
      ['shutdown', 'shutdown'],
      ['stop', 'off'],
    ]) {
      expect((await world.ask('POST', `/api/v1/guests/web/${verb}`, { body: { now: true } })).json).toMatchObject({
        status: 400,
        field: 'now',
      });
      const answer = await world.ask('POST', `/api/v1/guests/web/${verb}`);
      expect([answer.status, answer.json.resource.power]).toEqual([202, power]);
    }
  });

  it('deleting answers 202 with the task, and the guest shows that it is going', async () => {
    const id = await create();
    await world.observe('guest', String(id), 1, { observed: { power: 'stopped' } });
    const answer = await world.ask('DELETE', '/api/v1/guests/web?force=true');
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({ resource: { state: 'deleting', deleting: true }, task: { title: 'delete guest web' } });
    expect((await world.ask('DELETE', '/api/v1/guests/web?force=yes')).json).toMatchObject({ status: 400, field: 'force' });
  });

  it('a stream’s ticket is in the answer alone: no task shows it', async () => {
    const id = await create();
    await world.observe('guest', String(id), 1, { observed: { power: 'running' } });
    await world.ask('POST', '/api/v1/guests/web/start');
    await world.observe('guest', String(id), 2, { observed: { power: 'running' } });
    for (const [verb, body] of [
      ['exec', { command: ['cat', '/etc/shadow'] }],
      ['console', undefined],
    ] as const) {
      const answer = await world.ask('POST', `/api/v1/guests/web/${verb}`, { body });
      expect(answer.status).toBe(201);
      const { url, task, expiresAtMs } = StreamView.parse(answer.json);
      expect(url).toMatch(/^ws:\/\/drover\.test:8420\/relay\/[a-z0-9]{40}\?side=person$/);
      expect(expiresAtMs).toBe(world.clock.now() + 30_000);
      const ticket = url.slice(-52, -12);
      for (const path of [`/api/v1/tasks/${task.id}`, '/api/v1/tasks', `/api/v1/tasks/${task.id}/log`]) {
        expect((await world.ask('GET', path)).text).not.toContain(ticket.slice(0, 20));
      }
    }
  });

  it('a stream ends with the token that asked for it, joined or not', async () => {
    const id = await create();
    await world.observe('guest', String(id), 1, { observed: { power: 'running' } });
    const closed: string[] = [];
    for (const name of ['joined', 'waiting']) {
      const { url } = (await world.ask('POST', '/api/v1/guests/web/console', { as: 'operator' })).json;
      const socket = (side: string) => ({
        send: () => {},
        bufferedBytes: () => 0,
        pause: () => {},
        resume: () => {},
        close: () => void closed.push(`${name} ${side}`),
        onFrame: () => {},
        onClose: () => {},
      });
      world.relay.join(url.slice(-52, -12), 'person', socket('person'));
      if (name === 'joined') world.relay.join(url.slice(-52, -12), 'host', socket('host'));
    }
    await world.ask('DELETE', '/api/v1/tokens/none');
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toEqual([]);
    expect((await world.ask('DELETE', '/api/v1/session', { as: 'operator' })).status).toBe(204);
    await expect.poll(() => closed.sort(), { timeout: 20_000 }).toEqual(['joined host', 'joined person', 'waiting person']);
  });

  it('a stream that cannot be begun leaves no ticket behind', async () => {
    await create();
    expect((await world.ask('POST', '/api/v1/guests/nobody/console')).status).toBe(404);
    expect((await world.ask('POST', '/api/v1/guests/web/exec', { body: { command: [] } })).json).toMatchObject({
      status: 400,
      field: 'command',
    });
    expect(world.relay.awaited().size).toBe(0);
  });

  it('behind a proxy that ends TLS, a stream is asked for over TLS', async () => {
    const id = await create();
    await world.observe('guest', String(id), 1, { observed: { power: 'running' } });
    const answer = await world.ask('POST', '/api/v1/guests/web/console', { headers: { 'x-forwarded-proto': 'https' } });
    expect(answer.json.url).toMatch(/^wss:\/\/drover\.test:8420\/relay\//);
  });

  const BAD: readonly [string, object, string][] = [
    ['no type', { name: 'a', image: 'debian-13' }, 'type'],
    ['another type', { ...WEB, type: 'jail' }, 'type'],
    ['no name', { type: 'container', image: 'debian-13' }, 'name'],
    ['a name with a newline', { ...WEB, name: 'a\nb' }, 'name'],
    ['a name like an option', { ...WEB, name: '-rf' }, 'name'],
    ['a name of digits', { ...WEB, name: '107' }, 'name'],
    ['a path as a name', { ...WEB, name: '../../etc' }, 'name'],
    ['no image for a container', { type: 'container', name: 'a' }, 'image'],
    ['an image that is nowhere', { ...WEB, image: 'windows-95' }, 'image'],
    ['too little memory', { ...WEB, memoryBytes: 5 }, 'memoryBytes'],
    ['half a core', { ...WEB, cores: 0.5 }, 'cores'],
    ['memory as text', { ...WEB, memoryBytes: '1GiB' }, 'memoryBytes'],
    ['a bad tag among good ones', { ...WEB, tags: ['ok', 'NOT OK'] }, 'tags.1'],
    ['an unknown field', { ...WEB, memory: 5 }, 'memory'],
    ['a VM field for a container', { ...WEB, firmware: 'uefi' }, 'firmware'],
    ['a key with a line break', { ...WEB, sshKeys: ['ssh-ed25519 AAAA\nroot'] }, 'sshKeys.0'],
    ['a host that is not there', { ...WEB, host: 'nowhere' }, 'host'],
  ];
  it.each(BAD)('%s is refused, the field is named, and nothing is made', async (_what, body, field) => {
    const answer = await world.ask('POST', '/api/v1/guests', { body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json.field).toBe(field);
    expect((await world.ask('GET', '/api/v1/guests')).json.total).toBe(0);
    expect((await world.ask('GET', '/api/v1/tasks')).json.total).toBe(0);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=5000', 'limit'],
    ['limit=many', 'limit'],
    ['state=asleep', 'state'],
    ['colour=red', 'colour'],
    ['limit=1&limit=2', 'limit'],
  ])('a list asked for with ?%s is refused and %s is named', async (query, field) => {
    expect((await world.ask('GET', `/api/v1/guests?${query}`)).json).toMatchObject({ status: 400, code: 'bad-request', field });
  });
});

describe('many guests at once', () => {
  const start = (guests: readonly string[], headers = {}) => world.ask('POST', '/api/v1/guests/start', { body: { guests }, headers });

  it('are started in one request, each with its task; what cannot be says why and holds up nobody', async () => {
    const [a, b] = [await create(), await create({ ...WEB, name: 'db' })];
    await world.ask('DELETE', `/api/v1/guests/${b}?force=true`);
    world.nudged.length = 0;
    const answer = await start(['web', 'db', 'nobody', String(a)]);
    expect(answer.status).toBe(202);
    const { items } = PoweredGuests.parse(answer.json);
    expect(items.map(({ asked, task, problem }) => [asked, task?.title ?? null, problem?.code ?? null])).toEqual([
      ['web', 'start guest web', null],
      ['db', null, 'gone'],
      ['nobody', null, 'not-found'],
      [String(a), 'start guest web', null],
    ]);
    // Named twice, wished once.
    expect(items[3]?.task?.id).toBe(items[0]?.task?.id);
    expect((await world.ask('GET', '/api/v1/guests/web')).json).toMatchObject({ power: 'running', generation: 2 });
    expect(world.nudged).toEqual([world.hostId]);
  });

  it('a request that is repeated with its key begins nothing anew', async () => {
    await create();
    const headers = { 'idempotency-key': 'once' };
    const [first, second] = [await start(['web'], headers), await start(['web'], headers)];
    expect(second.json).toEqual(first.json);
    expect((await world.ask('GET', '/api/v1/guests/web')).json.generation).toBe(2);
  });

  it('need somebody who may, and are a thousand at most', async () => {
    expect((await start([])).status).toBe(400);
    expect((await start(Array.from({ length: 1_001 }, (_, index) => `g${index}`))).json).toMatchObject({ field: 'guests' });
    expect((await world.ask('POST', '/api/v1/guests/stop', { body: { guests: ['web'] }, as: 'auditor' })).status).toBe(403);
  });
});
