import type { Privilege } from '@drover/shared/access/privilege';
import { BUILT_IN_ROLES } from '@drover/shared/access/role';
import { Problem } from '@drover/shared/lib/problem';
import { realRandom } from '@drover/shared/lib/random';
import { newId } from '@drover/shared/model/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppWorld, createAppWorld, ORIGIN } from '../../../test/control-plane/app-world.ts';
import type { Grant, RightsWrite } from '../core/rights.ts';
import { hashOfSecret } from '../db/secret.ts';
import { routesOf } from './app.ts';
import { honoPath } from './mount.ts';
import { createUploadRoom } from './upload.ts';

/**
 * Every route, for every built-in role, granted in every way: on the thing itself, on another one, on everything, by a pool, a tag and a
 * host, and until yesterday. What is expected follows from the table below and from the roles alone, not from the code that decides.
 */

type Kind = 'guest' | 'host' | 'storage' | 'network' | 'image' | 'pool';
/** `thing`: needs the privilege on it, and to be told that it is there takes the other. */
type Row =
  | 'public'
  | 'self'
  | { readonly on: 'everything' | 'access'; readonly needs: Privilege; readonly body?: unknown; readonly query?: string }
  | { readonly on: Kind; readonly needs: Privilege; readonly also?: readonly [Kind, Privilege]; readonly body?: unknown }
  | { readonly lists: Kind; readonly needs: Privilege }
  /** Something new, which takes all of these there. */
  | { readonly makes: readonly (readonly [Kind, Privilege])[]; readonly body: unknown }
  /** What the handler looks at by itself, in a test of its own. */
  | { readonly own: string };

const SEES: { readonly [K in Kind]: Privilege } = {
  ...{ guest: 'VM.Audit', host: 'Sys.Audit', storage: 'Datastore.Audit', network: 'SDN.Audit' },
  ...{ image: 'Datastore.Audit', pool: 'Pool.Audit' },
};

const TABLE: Readonly<Record<string, Row>> = {
  'POST /api/v1/session': 'public',
  'POST /api/v1/session/second-factor': 'public',
  'POST /api/v1/session/passkey': 'public',
  'GET /api/v1/sign-in-ways': 'public',
  'GET /api/v1/sign-in/{directory}': 'public',
  'GET /api/v1/sign-in/openid/callback': 'public',
  'GET /install.sh': 'public',
  'GET /agent/v1/release': 'public',
  'GET /agent/v1/drover-agent.deb': 'public',
  'POST /agent/v1/enrol': 'public',
  'POST /agent/v1/enrol/check': 'public',
  'POST /agent/v1/connect': 'public',
  'POST /agent/v1/key': 'public',
  'GET /agent/v1/uploads/{upload}': 'public',
  'GET /api/v1/openapi.json': 'public',
  'GET /api': 'public',
  'GET /api/page.css': 'public',
  'GET /api/v1/session': 'self',
  'DELETE /api/v1/session': 'self',
  'GET /api/v1/sessions': 'self',
  'DELETE /api/v1/sessions/{session}': 'self',
  'POST /api/v1/sessions/end-others': 'self',
  'GET /api/v1/sign-in-policy': 'self',
  'GET /api/v1/account': 'self',
  'POST /api/v1/account/password': 'self',
  'POST /api/v1/account/totp': 'self',
  'POST /api/v1/account/totp/confirm': 'self',
  'DELETE /api/v1/account/totp': 'self',
  'POST /api/v1/account/recovery-codes': 'self',
  'POST /api/v1/account/passkeys/challenge': 'self',
  'POST /api/v1/account/passkeys': 'self',
  'PATCH /api/v1/account/passkeys/{passkey}': 'self',
  'DELETE /api/v1/account/passkeys/{passkey}': 'self',
  'GET /api/v1/images/catalogue': 'self',
  'GET /api/v1/roles': 'self',
  'GET /api/v1/tokens': 'self',
  'POST /api/v1/tokens': 'self',
  'DELETE /api/v1/tokens/{token}': 'self',
  'GET /api/v1/events': { own: 'event-stream.test.ts' },
  'POST /api/v1/users/{user}/sign-in-link': { own: 'rights.test.ts' },
  'POST /api/v1/grants': { own: 'rights.test.ts' },
  'DELETE /api/v1/grants/{grant}': { own: 'rights.test.ts' },
  'GET /api/v1/access/explain': { own: 'explain.test.ts' },
  'GET /api/v1/tasks': { own: 'rights.test.ts' },
  'GET /api/v1/tasks/{task}': { own: 'rights.test.ts' },
  'GET /api/v1/tasks/{task}/log': { own: 'rights.test.ts' },
  'POST /api/v1/tasks/{task}/cancel': { own: 'rights.test.ts' },
  'POST /api/v1/guests/start': { own: 'rights.test.ts' },
  'POST /api/v1/guests/shutdown': { own: 'rights.test.ts' },
  'POST /api/v1/guests/stop': { own: 'rights.test.ts' },
  'POST /api/v1/images/upload': { own: 'rights.test.ts' },
  'GET /api/v1/upgrades': { own: 'rights.test.ts' },
  'POST /api/v1/upgrades': { own: 'rights.test.ts' },
  'POST /api/v1/pools': { own: 'rights.test.ts' },
  'POST /api/v1/users/{user}/reset-second-factor': { on: 'access', needs: 'User.Modify' },
  'POST /api/v1/users/{user}/disable': { on: 'access', needs: 'User.Modify', body: { because: 'left' } },
  'POST /api/v1/users/{user}/enable': { on: 'access', needs: 'User.Modify' },
  'PATCH /api/v1/sign-in-policy': { on: 'access', needs: 'Realm.Allocate', body: {} },
  'GET /api/v1/users': { on: 'access', needs: 'Sys.Audit' },
  'POST /api/v1/users': { on: 'access', needs: 'User.Modify', body: { name: 'ben' } },
  'DELETE /api/v1/users/{user}': { on: 'access', needs: 'User.Modify' },
  'GET /api/v1/grants': { on: 'access', needs: 'Sys.Audit' },
  'GET /api/v1/access/holders': { on: 'access', needs: 'Sys.Audit', query: '?path=/access' },
  'POST /api/v1/roles': { on: 'access', needs: 'Permissions.Modify', body: { name: 'mine', privileges: ['VM.Audit'] } },
  'DELETE /api/v1/roles/{role}': { on: 'access', needs: 'Permissions.Modify' },
  'GET /api/v1/groups': { on: 'access', needs: 'Sys.Audit' },
  'POST /api/v1/groups': { on: 'access', needs: 'Group.Allocate', body: { name: 'ops' } },
  'DELETE /api/v1/groups/{group}': { on: 'access', needs: 'Group.Allocate' },
  'POST /api/v1/groups/{group}/members': { on: 'access', needs: 'User.Modify', body: { user: 'nobody' } },
  'DELETE /api/v1/groups/{group}/members/{user}': { on: 'access', needs: 'User.Modify' },
  'GET /api/v1/directories': { on: 'access', needs: 'Realm.Allocate' },
  'POST /api/v1/directories': {
    ...{ on: 'access', needs: 'Realm.Allocate' },
    body: { kind: 'ldap', name: 'corp', servers: ['ldap.test'], baseDn: 'dc=test' },
  },
  'PATCH /api/v1/directories/{directory}': { on: 'access', needs: 'Realm.Allocate', body: {} },
  'DELETE /api/v1/directories/{directory}': { on: 'access', needs: 'Realm.Allocate' },
  'POST /api/v1/directories/{directory}/test': { on: 'access', needs: 'Realm.Allocate', body: {} },
  'POST /api/v1/directories/{directory}/users': { on: 'access', needs: 'Realm.AllocateUser', body: { user: 'nobody', subject: 'x' } },
  'POST /api/v1/directories/{directory}/sync': { on: 'access', needs: 'Realm.AllocateUser', body: {} },
  'GET /api/v1/audit': { on: 'access', needs: 'Sys.Syslog' },
  'GET /api/v1/audit/verify': { on: 'access', needs: 'Sys.Syslog' },
  'GET /api/v1/audit/export': { on: 'access', needs: 'Sys.Syslog' },
  'GET /api/v1/guests': { lists: 'guest', needs: 'VM.Audit' },
  'POST /api/v1/guests': {
    makes: [
      ['guest', 'VM.Allocate'],
      ['storage', 'Datastore.AllocateSpace'],
      ['network', 'SDN.Use'],
    ],
    body: { type: 'container', name: 'new', image: 'debian-13' },
  },
  'GET /api/v1/guests/{guest}': { on: 'guest', needs: 'VM.Audit' },
  'PATCH /api/v1/guests/{guest}': { on: 'guest', needs: 'VM.Config.Memory', body: { memoryBytes: 2 ** 28 } },
  'DELETE /api/v1/guests/{guest}': { on: 'guest', needs: 'VM.Allocate' },
  'POST /api/v1/guests/{guest}/start': { on: 'guest', needs: 'VM.PowerMgmt' },
  'POST /api/v1/guests/{guest}/shutdown': { on: 'guest', needs: 'VM.PowerMgmt' },
  'POST /api/v1/guests/{guest}/stop': { on: 'guest', needs: 'VM.PowerMgmt' },
  'POST /api/v1/guests/{guest}/reboot': { on: 'guest', needs: 'VM.PowerMgmt', body: {} },
  'POST /api/v1/guests/{guest}/exec': { on: 'guest', needs: 'VM.GuestAgent.Unrestricted', body: { command: ['true'] } },
  'POST /api/v1/guests/{guest}/console': { on: 'guest', needs: 'VM.Console' },
  'GET /api/v1/guests/{guest}/figures': { on: 'guest', needs: 'VM.Audit' },
  'POST /api/v1/guests/{guest}/pool': { on: 'guest', needs: 'VM.Allocate', also: ['pool', 'Pool.Allocate'], body: { pool: null } },
  'GET /api/v1/hosts': { lists: 'host', needs: 'Sys.Audit' },
  'GET /api/v1/hosts/enrolments': { on: 'everything', needs: 'Sys.Modify' },
  'POST /api/v1/hosts/enrolments': { on: 'everything', needs: 'Sys.Modify', body: {} },
  'DELETE /api/v1/hosts/enrolments/{token}': { on: 'everything', needs: 'Sys.Modify' },
  'GET /api/v1/hosts/{host}': { on: 'host', needs: 'Sys.Audit' },
  'PATCH /api/v1/hosts/{host}': { on: 'host', needs: 'Sys.Modify', body: { notes: 'rack 4' } },
  'DELETE /api/v1/hosts/{host}': { on: 'host', needs: 'Sys.Modify' },
  'POST /api/v1/hosts/{host}/revoke': { on: 'host', needs: 'Sys.Modify' },
  'POST /api/v1/hosts/{host}/admit': { on: 'host', needs: 'Sys.Modify' },
  'GET /api/v1/hosts/{host}/hardware': { on: 'host', needs: 'Sys.Audit' },
  'GET /api/v1/hosts/{host}/figures': { on: 'host', needs: 'Sys.Audit' },
  'GET /api/v1/hosts/{host}/affected': { on: 'host', needs: 'Sys.PowerMgmt' },
  'POST /api/v1/hosts/{host}/power': { on: 'host', needs: 'Sys.PowerMgmt', body: { action: 'reboot' } },
  'POST /api/v1/hosts/{host}/replace': { on: 'host', needs: 'Sys.Modify', body: { with: 'fra-h03' } },
  'POST /api/v1/hosts/{host}/move': { on: 'host', needs: 'Sys.Modify', body: { cell: 'main' } },
  'GET /api/v1/cells': { on: 'everything', needs: 'Sys.Audit' },
  'POST /api/v1/cells': { on: 'everything', needs: 'Sys.Modify', body: { name: 'b', profile: 'mosquitto', urls: ['mqtts://b.test:8883'] } },
  'POST /api/v1/cells/{cell}/drain': { on: 'everything', needs: 'Sys.Modify', body: { draining: true } },
  'DELETE /api/v1/cells/{cell}': { on: 'everything', needs: 'Sys.Modify' },
  'GET /api/v1/cells/{cell}/setup': { on: 'everything', needs: 'Sys.Modify' },
  'POST /api/v1/cells/{cell}/check-logins': { on: 'everything', needs: 'Sys.Modify' },
  'GET /api/v1/signing-key': { on: 'everything', needs: 'Sys.Audit' },
  'POST /api/v1/signing-key/rotate': { on: 'everything', needs: 'Sys.Modify' },
  'GET /api/v1/images': { lists: 'image', needs: 'Datastore.Audit' },
  'POST /api/v1/images': { makes: [['storage', 'Datastore.AllocateTemplate']], body: { name: 'debian-12', form: 'container' } },
  'GET /api/v1/images/{image}': { on: 'image', needs: 'Datastore.Audit' },
  'DELETE /api/v1/images/{image}': { on: 'image', needs: 'Datastore.AllocateTemplate' },
  'GET /api/v1/storages': { lists: 'storage', needs: 'Datastore.Audit' },
  'GET /api/v1/storages/{storage}': { on: 'storage', needs: 'Datastore.Audit' },
  'POST /api/v1/storages/{storage}/pool': {
    on: 'storage',
    needs: 'Datastore.Allocate',
    also: ['pool', 'Pool.Allocate'],
    body: { pool: null },
  },
  'GET /api/v1/networks': { lists: 'network', needs: 'SDN.Audit' },
  'GET /api/v1/networks/{network}': { on: 'network', needs: 'SDN.Audit' },
  'POST /api/v1/networks/{network}/pool': { on: 'network', needs: 'SDN.Allocate', also: ['pool', 'Pool.Allocate'], body: { pool: null } },
  'GET /api/v1/pools': { lists: 'pool', needs: 'Pool.Audit' },
  'GET /api/v1/pools/{pool}': { on: 'pool', needs: 'Pool.Audit' },
  'PATCH /api/v1/pools/{pool}': { on: 'pool', needs: 'Pool.Allocate', body: { notes: 'ours' } },
  'DELETE /api/v1/pools/{pool}': { on: 'pool', needs: 'Pool.Allocate' },
};

/** The ways in which a role is granted, and what each reaches. `new`: a guest that is not there yet, in no pool and without a tag. */
const WAYS: Readonly<Record<string, readonly (Kind | 'everything' | 'access' | 'new')[]>> = {
  'on everything': ['guest', 'host', 'storage', 'network', 'image', 'pool', 'everything', 'access', 'new'],
  'on each thing itself': ['guest', 'host', 'storage', 'network', 'image', 'pool', 'everything', 'access'],
  'on others': [],
  'by a pool': ['guest', 'storage', 'network', 'image', 'pool'],
  'by a tag': ['guest'],
  'by their host': ['guest', 'host', 'storage', 'network', 'image', 'new'],
  'on everything, until yesterday': [],
  'on everything, and no-access there': [],
};

const GUEST = '100';
let world: AppWorld;
let ids: Readonly<Record<Kind, string>>;

beforeAll(async () => {
  world = await createAppWorld();
  const { items: storages } = (await world.ask('GET', '/api/v1/storages')).json;
  const { items: networks } = (await world.ask('GET', '/api/v1/networks')).json;
  ids = { guest: GUEST, host: world.hostId, storage: storages[0].id, network: networks[0].id, image: world.imageId, pool: 'shop' };
  const body = { type: 'container', name: 'web', image: 'debian-13', tags: ['prod'] };
  expect((await world.ask('POST', '/api/v1/guests', { body })).json.resource.id).toBe(100);
  await world.commit({ rights: [{ do: 'add-pool', pool: { path: 'shop', notes: '', quota: {}, createdAtMs: 1 } }] });
  const members = (['guest', 'storage', 'network'] as const).map((kind) => ({ kind, id: ids[kind] }));
  await world.commit({ rights: members.map((member): RightsWrite => ({ do: 'set-pool', member, path: 'shop' })) });
  for (const { name: role } of BUILT_IN_ROLES) for (const way of Object.keys(WAYS)) await addPerson(role, way);
  refuseWrites();
});
afterAll(() => world.close());

const secretOf = (role: string, way: string): string => `drv_${role}_${way.replaceAll(/\W+/g, '_')}`;

async function addPerson(role: string, way: string): Promise<void> {
  const nowMs = world.clock.now();
  const user = { id: newId('user', realRandom), name: secretOf(role, way), createdAtMs: nowMs };
  const grant = (scope: string, more: Partial<Grant> = {}): Grant => ({
    ...{ id: newId('grant', realRandom), principal: { kind: 'user', id: user.id }, role, scope, inherit: true, untilMs: null },
    ...{ byUser: 'test', createdAtMs: nowMs, ...more },
  });
  const things = [`/vms/${GUEST}`, `/nodes/${ids.host}`, `/storage/${ids.storage}`, `/network/${ids.network}`, '/pool/shop', '/access'];
  const others = ['/vms/999', '/nodes/host_aaaaaaaaaaaaaaaaaaaa', '/storage/storage_aaaaaaaaaaaaaaaaaaaa', '/pool/other', '/tag/test'];
  const grants: Readonly<Record<string, () => Grant[]>> = {
    'on everything': () => [grant('/')],
    'on each thing itself': () => [...things.map((scope) => grant(scope, { inherit: false })), grant('/', { inherit: false })],
    'on others': () => others.map((scope) => grant(scope)),
    'by a pool': () => [grant('/pool/shop')],
    'by a tag': () => [grant('/tag/prod')],
    'by their host': () => [grant(`/nodes/${ids.host}`)],
    'on everything, until yesterday': () => [grant('/', { untilMs: nowMs - 1 })],
    'on everything, and no-access there': () => [
      grant('/'),
      ...[...things, '/'].map((scope) => grant(scope, { role: 'no-access', id: newId('grant', realRandom) })),
    ],
  };
  const given = (grants[way]?.() ?? []).filter(
    ({ role: its, scope }, at, all) => all.findIndex((g) => g.role === its && g.scope === scope) === at,
  );
  await world.store.access.addUser(user, given);
  const token = { id: newId('token', realRandom), kind: 'api', name: 'test', userId: user.id, ownGrantsOnly: false } as const;
  await world.store.access.addToken(
    { ...token, createdAtMs: nowMs, lastUsedAtMs: nowMs, expiresAtMs: null },
    hashOfSecret(secretOf(role, way)),
  );
}

/** What is let through comes as far as this, and changes nothing for the next one. */
function refuseWrites(): void {
  const refuse = (): Promise<never> => Promise.reject(new Problem('conflict', 'let through'));
  world.store.commit = refuse;
  Object.assign(world.store.access, {
    addUser: refuse,
    removeUser: refuse,
    addEnrolment: refuse,
    removeEnrolment: refuse,
    addLink: refuse,
  });
  world.store.identity.write = refuse;
  Object.assign(world.store.cells, { addCell: refuse, removeCell: refuse, setDraining: refuse, moveHost: refuse });
}

const declared = () => routesOf(world.deps, createUploadRoom(world.deps)).map(({ method, path }) => `${method} ${path}`);

it('every route has its row, and every row its route', () => {
  expect(Object.keys(TABLE).sort()).toEqual(declared().sort());
});

it('only what is meant to be is open to everybody', async () => {
  for (const [route, row] of Object.entries(TABLE)) {
    if (row === 'public') continue;
    const { status } = await ask(route, null, row);
    expect([route, status]).toEqual([route, 401]);
  }
});

describe.each(BUILT_IN_ROLES.map(({ name, privileges }) => [name, privileges] as const))('%s', (role, privileges) => {
  it.each(Object.keys(WAYS))('%s', async (way) => {
    const reaches = WAYS[way] ?? [];
    const has = (kind: Kind | 'everything' | 'access' | 'new', privilege: Privilege): boolean =>
      reaches.includes(kind) && privileges.includes(privilege);
    const wrong: unknown[] = [];
    for (const [route, row] of Object.entries(TABLE)) {
      if (typeof row === 'string' || 'own' in row) continue;
      const answer = await ask(route, secretOf(role, way), row);
      const [got, wanted] = [outcomeOf(answer, row), expected(row, has)];
      if (got !== wanted) wrong.push({ route, wanted, got, said: answer.json?.detail ?? answer.status });
    }
    expect(wrong).toEqual([]);
  });
});

type Outcome = 'let through' | 'refused' | 'not there' | 'listed' | 'not listed';
type Has = (kind: Kind | 'everything' | 'access' | 'new', privilege: Privilege) => boolean;

function expected(row: Row, has: Has): Outcome {
  if (typeof row === 'string' || 'own' in row) return 'let through';
  if ('lists' in row) return has(row.lists, row.needs) ? 'listed' : 'not listed';
  if ('makes' in row) {
    const missing = row.makes.filter(([kind, privilege]) => !has(kind === 'guest' ? 'new' : kind, privilege));
    return missing.length === 0 && has('storage', 'Datastore.Audit') ? 'let through' : 'refused';
  }
  if (row.on === 'everything' || row.on === 'access') return has(row.on, row.needs) ? 'let through' : 'refused';
  if (!has(row.on, SEES[row.on])) return 'not there';
  const hasBoth = has(row.on, row.needs) && (!('also' in row) || row.also === undefined || has(...row.also));
  return hasBoth ? 'let through' : 'refused';
}

function outcomeOf({ status, json }: { status: number; json: ReturnType<typeof JSON.parse> }, row: Row): Outcome {
  if (typeof row === 'object' && 'lists' in row) {
    const found = json.items.some((item: { id?: unknown; path?: unknown }) => String(item.id ?? item.path) === ids[row.lists]);
    return found ? 'listed' : 'not listed';
  }
  // Nothing that they may use is as if there were no host, or no image, at all.
  const isMaking = typeof row === 'object' && 'makes' in row;
  if (isMaking && (json?.code === 'no-host' || json?.code === 'not-found')) return 'refused';
  if (status === 403 && json?.code === 'not-allowed' && !/rights that you do not have|session/.test(json.detail)) return 'refused';
  if (typeof row === 'object' && 'on' in row && row.on in ids && status === 404 && json.detail.startsWith(`there is no ${row.on} `))
    return 'not there';
  expect(status).not.toBe(401);
  return 'let through';
}

async function ask(route: string, secret: string | null, row: Row) {
  const [method = '', path = ''] = route.split(' ');
  const address = path.replace(/\{(\w+)\}/g, (_all, name: string) => (name in ids ? ids[name as Kind] : 'nobody'));
  const body = typeof row === 'object' && 'body' in row ? row.body : undefined;
  const query = typeof row === 'object' && 'query' in row ? (row.query ?? '') : '';
  const response = await world.app.request(`${ORIGIN}${address}${query}`, {
    method,
    headers: { ...(secret === null ? {} : { authorization: `Bearer ${secret}` }), 'content-type': 'application/json' },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
  });
  if (response.headers.get('content-type') === 'text/event-stream') await response.body?.cancel();
  const text = /json\b/.test(response.headers.get('content-type') ?? '') ? await response.text() : '';
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text) };
}

it('the addresses are those that the server has', () => {
  expect(
    declared().every((route) =>
      world.app.routes.some(
        ({ method, path }) =>
          `${method} ${path}` === route.replace(/(\S+) (.*)/, (_all, verb: string, path: string) => `${verb} ${honoPath(path)}`),
      ),
    ),
  ).toBe(true);
});
