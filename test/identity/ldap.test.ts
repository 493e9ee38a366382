import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPasswordHashes } from '../../control-plane/src/identity/password-hash.ts';
import { nodeLdap } from '../../control-plane/src/node/ldap.ts';
import { type AppWorld, createAppWorld } from '../control-plane/app-world.ts';
import { openVault } from '../control-plane/open-vault.ts';
import { createPerson } from '../control-plane/person.ts';
import { type Authority, createAuthority } from './certificates.ts';
import { ADMIN, hasSlapd, ldifOf, type Slapd, startSlapd } from './slapd.ts';

describe.skipIf(!hasSlapd())('a real OpenLDAP', () => {
  let authority: Authority;
  let good: Slapd;
  let expired: Slapd;
  let elsewhere: Slapd;
  let world: AppWorld;

  beforeAll(async () => {
    authority = await createAuthority('the test’s authority');
    const ca = authority.certificate;
    good = await startSlapd({ ...(await authority.server('localhost')), ca });
    expired = await startSlapd({ ...(await authority.server('localhost', { expired: true })), ca });
    elsewhere = await startSlapd({ ...(await authority.server('ldap.example.org')), ca });
    for (const server of [expired, elsewhere]) await server.load(ldifOf(['anna']));
  });
  afterAll(async () => {
    for (const server of [good, expired, elsewhere]) await server.close();
  });
  beforeEach(async () => {
    await good.load(ldifOf(['anna', 'ben'], { staff: ['anna', 'ben'], admins: ['anna'] }));
    world = await createAppWorld({ identity: { hashes: createPasswordHashes({ m: 64, t: 1, p: 1 }), vault: openVault, ldap: nodeLdap } });
  });
  afterEach(() => world.close());

  const SETTINGS = {
    kind: 'ldap',
    name: 'corp',
    baseDn: 'ou=people,dc=example,dc=org',
    bindDn: ADMIN.dn,
    autocreate: true,
    groupBaseDn: 'ou=groups,dc=example,dc=org',
  };

  async function add(more: object = {}): Promise<void> {
    const body = {
      ...SETTINGS,
      servers: [`localhost:${good.ldapPort}`],
      mode: 'starttls',
      ca: authority.certificate,
      secret: ADMIN.password,
      ...more,
    };
    const { status, text } = await world.ask('POST', '/api/v1/directories', { body });
    expect([status, text.includes(ADMIN.password)]).toEqual([201, false]);
  }
  const enter = (name: string, password: string) => createPerson(world).ask('POST', '/session', { name, password });
  const test = async (body: object = {}) => (await world.ask('POST', '/api/v1/directories/corp/test', { body })).json;
  const sync = async (body: object = {}) => (await world.ask('POST', '/api/v1/directories/corp/sync', { body })).json;
  const groupsOf = async (name: string) => {
    const directory = await world.store.identity.directory('corp');
    const known = directory ? await world.store.identity.directoryUsers(directory.id) : [];
    return known.find(({ user }) => user.name === name)?.groups;
  };

  it.each([
    ['starttls', () => good.ldapPort],
    ['ldaps', () => good.ldapsPort],
    ['ldap', () => good.ldapPort],
  ])('signs people in by %s, and makes their user', async (mode, port) => {
    await add({ mode, servers: [`localhost:${port()}`] });
    expect((await enter('anna', 'secret of ben')).json.status).toBe(401);
    expect((await enter('anna', 'secret of anna')).json.user).toMatchObject({ name: 'anna', roles: [] });
    expect(await groupsOf('anna')).toEqual(['admins', 'staff']);
    expect((await enter('anna', 'secret of anna')).json.user.name).toBe('anna');
    expect((await world.ask('GET', '/api/v1/users?name=anna')).json.items.length).toBe(1);
  });

  it('asks the second server when the first is away', async () => {
    await add({ servers: ['localhost:1', `localhost:${good.ldapPort}`] });
    expect((await enter('ben', 'secret of ben')).status).toBe(201);
  });

  it.each(['*', 'anna)(uid=*', 'ann*', 'anna\\2a', 'uid=anna,ou=people,dc=example,dc=org'])(
    'takes %s for a name, not for a filter',
    async (name) => {
      await add();
      expect((await enter(name, 'secret of anna')).json).toMatchObject({ status: 401, code: 'not-signed-in' });
    },
  );

  it('does not hand out the account of somebody who is here by that name', async () => {
    await good.load(ldifOf(['owner-anna']));
    await add();
    expect((await enter('owner-anna', 'secret of owner-anna')).json.user).toMatchObject({ name: 'owner-anna-corp', roles: [] });
  });

  it('a test goes through all steps', async () => {
    await add();
    const { works, steps } = await test({ name: 'anna', password: 'secret of anna' });
    expect(works).toBe(true);
    expect(steps.map(({ step, detail }: { step: string; detail: string }) => `${step}: ${detail}`)).toEqual([
      `connect and bind: localhost:${good.ldapPort}, as ${ADMIN.dn}`,
      'find people: 2 people',
      'find groups: 2 groups',
      'find anna: uid=anna,ou=people,dc=example,dc=org',
      'sign in: the password is right',
    ]);
    expect((await test({ name: 'anna', password: 'no' })).steps.at(-1)).toMatchObject({ works: false, detail: 'this password is wrong' });
    expect((await test({ name: 'cleo' })).steps.at(-1)).toMatchObject({ works: false, detail: 'nobody of that name was found' });
  });

  it.each<[string, () => object, RegExp]>([
    ['a name that is not known', () => ({ servers: ['nowhere.invalid:389'] }), /^the name nowhere\.invalid is not known/],
    ['a port where nothing listens', () => ({ servers: ['localhost:1'] }), /^nothing listens at localhost:1/],
    ['an expired certificate', () => ({ servers: [`localhost:${expired.ldapPort}`] }), /certificate of localhost:\d+ has expired/],
    [
      'an expired certificate, over ldaps',
      () => ({ mode: 'ldaps', servers: [`localhost:${expired.ldapsPort}`] }),
      /certificate of localhost:\d+ has expired/,
    ],
    ['an authority that nobody knows', () => ({ ca: null }), /signed by somebody whom we do not know/],
    [
      'a certificate for another name',
      () => ({ servers: [`localhost:${elsewhere.ldapPort}`] }),
      /certificate of localhost is for another name/,
    ],
    ['TLS where none is spoken', () => ({ mode: 'ldaps' }), /does not speak TLS|hung up/],
    ['a wrong bind password', () => ({ secret: 'wrong' }), /^the bind password is wrong/],
    ['no bind password', () => ({ secret: undefined }), /there is a bind DN and no password/],
    [
      'a base DN that is not there',
      () => ({ baseDn: 'ou=nobody,dc=example,dc=org' }),
      /^the base DN ou=nobody,dc=example,dc=org was not found/,
    ],
    ['a filter that finds nobody', () => ({ userFilter: '(objectClass=device)' }), /^nobody was found/],
    ['a base DN of groups that is not there', () => ({ groupBaseDn: 'ou=none,dc=example,dc=org' }), /^the base DN of groups was not found/],
  ])('%s is said in words, and lets nobody in', async (_what, settings, words) => {
    await add(settings());
    const { works, steps } = await test();
    expect([works, steps.at(-1)?.works]).toEqual([false, false]);
    expect(steps.at(-1)?.detail).toMatch(words);
    expect((await enter('anna', 'secret of anna')).json.code).not.toBe(undefined);
    // Those who are here without it come in as ever.
    expect((await world.ask('GET', '/api/v1/session', { as: 'operator' })).status).toBe(200);
  });

  it('where the certificate is not to be checked, it is not', async () => {
    await add({ verify: false, ca: null, servers: [`localhost:${expired.ldapPort}`], groupBaseDn: null });
    expect((await enter('anna', 'secret of anna')).status).toBe(201);
  });

  it('groups that are in one another end', async () => {
    await good.load(ldifOf(['anna'], { a: ['anna', 'c'], b: ['a'], c: ['b'] }));
    await add({ nestedGroups: true });
    expect((await enter('anna', 'secret of anna')).status).toBe(201);
    expect(await groupsOf('anna')).toEqual(['a', 'b', 'c']);
    expect(await sync()).toMatchObject({ added: [], changed: [], unchanged: 1 });
  });

  it('keeps groups of its own: those that were made here keep their members, whatever a directory calls its own', async () => {
    const { json: admins } = await world.ask('POST', '/api/v1/groups', { body: { name: 'admins' } });
    await world.ask('POST', '/api/v1/grants', { body: { group: 'admins', role: 'owner', scope: '/' } });
    await add();
    await enter('anna', 'secret of anna');
    await enter('ben', 'secret of ben');
    const groups = async () =>
      (await world.ask('GET', '/api/v1/groups')).json.items.map(
        (group: { name: string; directory: string | null; members: { name: string }[] }) => [
          group.name,
          group.directory,
          group.members.map(({ name }) => name),
        ],
      );
    expect(admins.directory).toBe(null);
    expect(await groups()).toEqual([
      ['admins', null, []],
      ['staff', 'corp', ['anna', 'ben']],
    ]);
    await good.load(ldifOf(['anna', 'ben'], { staff: ['ben'] }));
    await enter('anna', 'secret of anna');
    expect((await groups())[1]).toEqual(['staff', 'corp', ['ben']]);
    await world.ask('PATCH', '/api/v1/directories/corp', { body: { settings: { name: 'company' } } });
    expect((await groups())[1]).toEqual(['staff', 'company', ['ben']]);
    await world.ask('DELETE', '/api/v1/directories/company');
    expect((await groups())[1]).toEqual(['staff', null, ['ben']]);
    expect((await enter('ben', 'secret of ben')).status).toBe(401);
  });

  it('is set up by who may, and grants no more than they could', async () => {
    expect((await world.ask('GET', '/api/v1/directories', { as: 'operator' })).status).toBe(403);
    const body = { ...SETTINGS, servers: ['localhost'], role: 'no-such-role' };
    expect((await world.ask('POST', '/api/v1/directories', { body })).json).toMatchObject({ status: 404, field: 'role' });
    await add({ role: 'operator' });
    await enter('ben', 'secret of ben');
    expect((await world.ask('GET', '/api/v1/users?name=ben')).json.items).toMatchObject([{ roles: ['operator'] }]);
  });

  it('a sync adds, changes and disables; with dryRun it only says so', async () => {
    await add({ groupMapping: { admins: 'operators' } });
    expect(await sync({ dryRun: true })).toMatchObject({ dryRun: true, added: ['anna', 'ben'], disabled: [] });
    expect((await world.ask('GET', '/api/v1/users?name=anna')).json.items).toEqual([]);
    expect(await sync()).toMatchObject({ dryRun: false, added: ['anna', 'ben'] });
    expect(await groupsOf('anna')).toEqual(['operators']);
    const ben = createPerson(world);
    await ben.ask('POST', '/session', { name: 'ben', password: 'secret of ben' });
    await good.load(ldifOf(['anna', 'cleo'], { staff: ['anna'] }));
    expect(await sync()).toEqual({
      dryRun: false,
      added: ['cleo'],
      changed: [{ name: 'anna', what: 'groups: none' }],
      disabled: ['ben'],
      unchanged: 0,
      left: [],
    });
    expect((await ben.ask('GET', '/session')).status).toBe(401);
    expect((await world.ask('GET', '/api/v1/users?name=ben')).json.items[0].disabledAtMs).toBe(world.clock.now());
    await good.load(ldifOf(['anna', 'ben', 'cleo']));
    expect(await sync()).toMatchObject({ changed: [{ name: 'ben', what: 'enabled' }] });
    expect((await enter('ben', 'secret of ben')).status).toBe(201);
  });

  it('a sync that finds nobody disables nobody, unless that is meant', async () => {
    await add();
    await sync();
    await world.ask('PATCH', '/api/v1/directories/corp', { body: { settings: { userFilter: '(objectClass=device)' } } });
    expect(await sync()).toMatchObject({ status: 409, detail: '2 of 2 users would be disabled: is the filter, or the base DN, right?' });
    expect((await sync({ force: true })).disabled).toEqual(['anna', 'ben']);
  });
});
