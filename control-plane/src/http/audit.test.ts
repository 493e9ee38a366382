import type { AuditEntry } from '@drover/shared/model/audit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld } from '../../../test/control-plane/app-world.ts';
import { createPerson } from '../../../test/control-plane/person.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

const record = async (query = ''): Promise<AuditEntry[]> => (await world.ask('GET', `/api/v1/audit${query}`)).json.items;
/** What the record says of something that is done now, the oldest first. */
async function told(act: () => Promise<unknown>): Promise<AuditEntry[]> {
  const before = (await record('?limit=1'))[0]?.number ?? 0;
  await act();
  return (await record()).filter(({ number }) => number > before).reverse();
}
const makeGuest = (name = 'web') => world.ask('POST', '/api/v1/guests', { body: { type: 'container', name, image: 'debian-13' } });

describe('the record', () => {
  it('says who did what with what, from where, on which generation, by which task', async () => {
    const [entry, ...others] = await told(() => makeGuest());
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      ...{ who: 'owner-anna', via: 'token test', address: '198.51.100.7', action: 'POST /api/v1/guests', outcome: 'done' },
      ...{ kind: 'guest', id: '100', name: 'web', generation: 1, taskId: expect.stringMatching(/^task_/), atMs: world.clock.now() },
    });
    const [edit] = await told(() => world.ask('PATCH', '/api/v1/guests/web', { body: { notes: 'x', cores: 2 } }));
    expect(edit).toMatchObject({ action: 'PATCH /api/v1/guests/{guest}', id: '100', generation: 2, detail: 'notes, cores' });
  });

  type Act = readonly [what: string, method: string, path: string, body: object | undefined, entry: object];
  it.each<Act>([
    ['a guest that is switched', 'POST', '/guests/web/start', {}, { kind: 'guest', id: '100', name: 'web' }],
    [
      'a console that is opened',
      'POST',
      '/guests/web/console',
      {},
      { kind: 'guest', id: '100', detail: expect.stringContaining('console') },
    ],
    ['a command in a guest', 'POST', '/guests/web/exec', { command: ['cat', '/etc/shadow'] }, { kind: 'guest', id: '100' }],
    ['a guest that is deleted', 'DELETE', '/guests/web', undefined, { kind: 'guest', id: '100', detail: 'to be deleted' }],
    ['a setting of a host', 'PATCH', '/hosts/fra-h03', { notes: 'rack 4' }, { kind: 'host' }],
    ['a host that is cut off', 'POST', '/hosts/fra-h03/revoke', {}, { kind: 'host', detail: 'cut off' }],
    ['a host that is forgotten', 'DELETE', '/hosts/fra-h03', undefined, { kind: 'host', detail: 'forgotten' }],
    ['a token for a host', 'POST', '/hosts/enrolments', { name: 'fra-2' }, { kind: 'enrolment', name: 'fra-2' }],
    [
      'a user',
      'POST',
      '/users',
      { name: 'ben', role: 'auditor' },
      { kind: 'user', name: 'ben', detail: 'made, with auditor on everything' },
    ],
    ['a link for somebody', 'POST', '/users/operator-anna/sign-in-link', {}, { kind: 'user', name: 'operator-anna' }],
    ['a user who is removed', 'DELETE', '/users/operator-anna', undefined, { kind: 'user', name: 'operator-anna', detail: 'removed' }],
    ['a user who is disabled', 'POST', '/users/operator-anna/disable', { because: 'left' }, { kind: 'user', detail: 'disabled: left' }],
    [
      'a second factor that is reset',
      'POST',
      '/users/operator-anna/reset-second-factor',
      {},
      { kind: 'user', detail: 'second factor reset' },
    ],
    ['a token', 'POST', '/tokens', { name: 'ci' }, { kind: 'token', name: 'ci' }],
    [
      'a grant',
      'POST',
      '/grants',
      { who: 'user:operator-anna', role: 'auditor', scope: '/vms/web' },
      { kind: 'grant', detail: expect.stringMatching(/^auditor on \/vms\/100 to user user_/) },
    ],
    ['a group', 'POST', '/groups', { name: 'ops' }, { kind: 'group', name: 'ops' }],
    ['a role', 'POST', '/roles', { name: 'mine', privileges: ['VM.Audit'] }, { kind: 'role', id: 'mine', detail: 'VM.Audit' }],
    ['a pool', 'POST', '/pools', { path: 'shop' }, { kind: 'pool', id: 'shop' }],
    ['a cell', 'POST', '/cells', { name: 'b', profile: 'mosquitto', urls: ['mqtts://b.test:8883'] }, { kind: 'cell', id: 'b' }],
    ['what is asked of everybody', 'PATCH', '/sign-in-policy', { secondFactor: 'owners' }, { kind: 'policy' }],
    [
      'a directory',
      'POST',
      '/directories',
      { kind: 'ldap', name: 'corp', servers: ['l.test'], baseDn: 'dc=x', secret: 'hush-hush' },
      { kind: 'directory', name: 'corp' },
    ],
  ])('tells of %s', async (_what, method, path, body, wanted) => {
    await makeGuest();
    if (/console|exec/.test(path)) await world.observe('guest', '100', 1, { observed: { power: 'running' } });
    let status = 0;
    const entries = await told(async () => {
      status = (await world.ask(method, `/api/v1${path}`, body === undefined ? {} : { body })).status;
    });
    expect(status).toBeLessThan(300);
    expect(entries).toMatchObject([{ who: 'owner-anna', outcome: 'done', ...wanted }]);
    expect(JSON.stringify(entries)).not.toMatch(/hush-hush|etc\/shadow/);
  });

  it('tells of many guests one by one', async () => {
    await makeGuest('a');
    await makeGuest('b');
    const entries = await told(() => world.ask('POST', '/api/v1/guests/start', { body: { guests: ['a', 'b', 'nobody'] } }));
    expect(entries.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('tells of signing in, of trying to in vain, and of signing out', async () => {
    const { json } = await world.ask('POST', '/api/v1/users/operator-anna/sign-in-link', { body: {} });
    const token = String(json.signInUrl).split('token=')[1];
    const person = createPerson(world);
    const entries = await told(async () => {
      await person.ask('POST', '/session', { name: 'operator-anna', password: 'not this one at all' });
      await person.ask('POST', '/session', { token });
      await person.ask('DELETE', '/session');
    });
    expect(entries).toMatchObject([
      { who: 'operator-anna', action: 'sign in', outcome: 'failed', detail: 'this name and password do not belong together' },
      { who: 'operator-anna', action: 'sign in', outcome: 'done', detail: 'by link' },
      { who: 'operator-anna', action: 'DELETE /api/v1/session', detail: 'signed out' },
    ]);
  });

  it('tells of what was refused, once a minute for the same', async () => {
    await makeGuest();
    const start = () => world.ask('POST', '/api/v1/guests/web/start', { as: 'auditor', body: {} });
    const entries = await told(async () => {
      for (let times = 0; times < 5; times += 1) expect((await start()).status).toBe(403);
    });
    expect(entries).toMatchObject([{ who: 'auditor-anna', outcome: 'refused', detail: expect.stringContaining('VM.PowerMgmt') }]);
    world.clock.advance(60_000);
    expect(await told(start)).toMatchObject([{ detail: expect.stringContaining('4 more like it') }]);
  });

  it('has nothing of what was not done: a name that is taken, a wish that somebody else came before', async () => {
    await makeGuest();
    expect(await told(() => makeGuest())).toEqual([]);
    expect(await told(() => world.ask('POST', '/api/v1/users', { body: { name: 'owner-anna' } }))).toEqual([]);
    const late = { body: { notes: 'x' }, headers: { 'if-match': '"7"' } };
    expect(await told(() => world.ask('PATCH', '/api/v1/guests/web', late))).toEqual([]);
  });

  it('is found by person, thing and time, page by page', async () => {
    await makeGuest('a');
    world.clock.advance(1_000);
    await makeGuest('b');
    await world.ask('POST', '/api/v1/guests/a/start', { as: 'operator', body: {} });
    const names = async (query: string) => (await record(query)).map(({ who, name }) => `${who} ${name}`);
    expect(await names('?who=operator-anna')).toEqual(['operator-anna a']);
    expect(await names('?thing=guest/101')).toEqual(['owner-anna b']);
    expect(await names(`?untilMs=${world.clock.now()}`)).toEqual(['owner-anna a']);
    const first = (await world.ask('GET', '/api/v1/audit?limit=2&thing=guest')).json;
    expect([first.items.length, first.total]).toEqual([2, 3]);
    expect(await names(`?limit=2&thing=guest&after=${first.next}`)).toEqual(['owner-anna a']);
  });

  it('is exported whole, line by line, and proves itself by one hash', async () => {
    for (const name of ['a', 'b', 'c']) await makeGuest(name);
    const lines = (await world.ask('GET', '/api/v1/audit/export')).text.trim().split('\n');
    const entries: AuditEntry[] = lines.map((line) => JSON.parse(line));
    expect(entries.map(({ number }) => number)).toEqual([1, 2, 3]);
    const verdict = (await world.ask('GET', '/api/v1/audit/verify')).json;
    expect(verdict).toEqual({ isWhole: true, last: { number: 3, hash: entries.at(-1)?.hash }, broken: null });
  });

  it('is for those who may read it', async () => {
    for (const path of ['/api/v1/audit', '/api/v1/audit/verify', '/api/v1/audit/export']) {
      expect((await world.ask('GET', path, { as: 'operator' })).status).toBe(403);
      expect((await world.ask('GET', path, { as: 'auditor' })).status).toBe(200);
    }
  });
});
