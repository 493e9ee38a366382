import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sketch } from '../../../test/access/facts.ts';
import { NOW_MS, PRIVILEGES_ASKED, question } from '../../../test/access/random-facts.ts';
import { may, privilegesAt } from './decide.ts';
import type { AccessFacts, Principal } from './facts.ts';
import { indexFacts, thingAt } from './index-facts.ts';
import { Privilege } from './privilege.ts';
import { isWithin, reachOf } from './reach.ts';
import type { Thing } from './scope.ts';

const NOW = 1_000;

/** What they have at a path, as words; "token:x", "group:x", else a user. */
function at(facts: AccessFacts, name: string, path: string): string[] {
  const [, kind, id] = /^(?:(token|group):)?(.+)$/.exec(name) ?? [];
  const who: Principal = { kind: kind === 'token' || kind === 'group' ? kind : 'user', id: id ?? '' };
  const indexed = indexFacts(facts);
  return [...privilegesAt(indexed, who, thingAt(indexed, path), NOW).keys()].sort();
}

describe('the walk from the root to the thing', () => {
  const facts = sketch({
    users: ['max', 'joe', 'alex', 'sue', 'carol'],
    groups: { one: ['joe', 'max', 'sue'], two: ['alex', 'carol', 'sue'], three: ['max'] },
    roles: { space: ['Datastore.AllocateSpace'], customer: ['VM.Audit', 'VM.PowerMgmt'], admin: ['VM.Audit', 'VM.Allocate'] },
    grants: [
      'group:one admin /vms',
      'user:alex customer /vms/100',
      'user:max customer /vms/100',
      'group:two space /storage/nfs',
      'group:three space /vms/200',
      'group:two no-access /vms/200',
      'user:alex owner /vms/400',
    ],
  });
  it.each([
    ['max', '/', [], 'has nothing above what was granted'],
    ['max', '/vms', ['VM.Allocate', 'VM.Audit'], 'has what a group of theirs was granted'],
    ['max', '/vms/101', ['VM.Allocate', 'VM.Audit'], 'inherits it'],
    ['max', '/vms/100', ['VM.Audit', 'VM.PowerMgmt'], 'has only their own grant where they have one: it replaces the group’s'],
    ['alex', '/vms', [], 'has nothing above their own grant'],
    ['alex', '/vms/100', ['VM.Audit', 'VM.PowerMgmt'], 'has their own grant'],
    ['alex', '/vms/400', [...Privilege.options].sort(), 'has everything as an owner'],
    ['max', '/vms/200', ['Datastore.AllocateSpace'], 'has what another group has deeper, instead of what was above'],
    ['joe', '/vms/200', ['VM.Allocate', 'VM.Audit'], 'is not touched by a group that they are not in'],
    ['sue', '/vms/200', [], 'has nothing where one of two groups is cut off'],
    ['carol', '/storage/nfs', ['Datastore.AllocateSpace'], 'has storages like anything else'],
  ])('%s at %s: %j; %4$s', (who, path, expected) => expect(at(facts, who, path)).toEqual(expected));

  it('groups at one level add up, and the deepest level that says anything counts alone', () => {
    const groups = { a: ['max'], b: ['max'] };
    const roles = { one: ['VM.PowerMgmt'], two: ['VM.Console'] };
    const same = sketch({ users: ['max'], groups, roles, grants: ['group:a one /vms', 'group:b two /vms'] });
    expect(at(same, 'max', '/vms/100')).toEqual(['VM.Console', 'VM.PowerMgmt']);
    const deeper = sketch({ users: ['max'], groups, roles, grants: ['group:a one /vms', 'group:b two /vms/200'] });
    expect(at(deeper, 'max', '/vms/200')).toEqual(['VM.Console']);
    expect(at(deeper, 'max', '/vms/300')).toEqual(['VM.PowerMgmt']);
  });

  it('one’s own no-access replaces what a group gives', () => {
    const grants = ['group:a guest-user /vms', 'user:bea no-access /vms'];
    const two = sketch({ users: ['max', 'bea'], groups: { a: ['max', 'bea'] }, grants });
    expect(at(two, 'max', '/vms/300')).toContain('VM.Console');
    expect(at(two, 'bea', '/vms/300')).toEqual([]);
  });

  it('at one level one’s own grant replaces those of one’s groups', () => {
    const facts = sketch({ users: ['max'], groups: { a: ['max'] }, grants: ['group:a operator /vms', 'user:max auditor /vms'] });
    expect(at(facts, 'max', '/vms/1')).not.toContain('VM.Console');
  });

  it('one’s own grant deeper lifts a no-access from above, as it replaces it', () => {
    const lifted = sketch({ users: ['max'], grants: ['user:max no-access /', 'user:max auditor /vms/1'] });
    expect(at(lifted, 'max', '/vms/1')).toContain('VM.Audit');
    expect(at(lifted, 'max', '/vms/2')).toEqual([]);
  });

  it('a grant that is not inherited counts at its own path alone, and what is above comes back below', () => {
    const roles = { one: ['A'], two: ['B'], three: ['C'] };
    const grants = ['user:max one /k', 'user:max two /k/v here', 'user:max three /k/v/100/a here'];
    const own = sketch({ users: ['max'], roles, grants });
    const seen = ['/k', '/k/v', '/k/v/100', '/k/v/100/a', '/k/v/100/a/b'].map((path) => at(own, 'max', path).join());
    expect(seen).toEqual(['A', 'B', 'A', 'C', 'A']);
  });
});

describe('pools, tags and hosts', () => {
  const grants = [
    'group:devel power /pool/devel',
    'group:market console /pool/market',
    'group:interns audit /pool/market/interns',
    'group:devel console /vms',
    'user:tom no-access /vms',
    'group:market console /vms/300',
  ];
  const facts = sketch({
    users: ['ann', 'bob', 'tom', 'mia', 'ivy'],
    groups: { devel: ['ann', 'bob', 'tom'], market: ['ann', 'mia'], interns: ['ivy'] },
    roles: { power: ['VM.PowerMgmt'], console: ['VM.Console'], audit: ['VM.Audit'] },
    containers: {
      '/pool/devel': ['/vms/500', '/storage/s1', '/storage/s2'],
      '/pool/market': ['/vms/600', '/storage/s1'],
      '/pool/market/interns': ['/vms/700'],
    },
    grants,
  });
  it.each([
    ['ann', '/vms/500', ['VM.Console', 'VM.PowerMgmt'], 'a pool adds to what one has directly'],
    ['tom', '/vms/500', [], 'a pool does not lift a no-access on the guest'],
    ['mia', '/vms/500', [], 'a pool gives nothing to others'],
    ['mia', '/vms/300', ['VM.Console'], 'a guest in no pool has what was granted on it'],
    ['ivy', '/vms/600', [], 'a pool within does not open the one around it'],
    ['ivy', '/vms/700', ['VM.Audit'], 'a pool within opens what is in it'],
    ['mia', '/vms/700', ['VM.Console'], 'a pool within inherits from the one around it'],
    ['ann', '/storage/s1', ['VM.Console', 'VM.PowerMgmt'], 'a thing in two pools has what both give'],
    ['tom', '/storage/s2', ['VM.PowerMgmt'], 'a storage is in a pool as a guest is'],
    ['mia', '/storage/s2', [], 'and of no use to others'],
  ])('%s at %s: %j: %3$s', (who, path, expected) => expect(at(facts, who, path)).toEqual(expected));

  it('a no-access on the pool wins over what was granted on the guest', () => {
    const words = { users: ['ann'], containers: { '/pool/p': ['/vms/100'] } };
    const denied = sketch({ ...words, grants: ['user:ann operator /vms', 'user:ann no-access /pool/p'] });
    expect(at(denied, 'ann', '/vms/100')).toEqual([]);
    expect(at(denied, 'ann', '/vms/200')).toContain('VM.Console');
  });

  it('a pool that is not there gives nothing, though things say that they are in it', () => {
    const indexed = indexFacts(sketch({ users: ['ann'], grants: ['user:ann operator /pool/gone'] }));
    expect(may(indexed, { kind: 'user', id: 'ann' }, 'VM.Audit', { path: '/vms/100', memberOf: ['/pool/gone'] }, NOW)).toBe(false);
  });

  it('a grant on a tag reaches what has the tag; one on a host what is on it, if it is inherited', () => {
    const containers = { '/tag/web': ['/vms/100'], '/nodes/h1': ['/vms/101'], '/nodes/h2': ['/vms/102'] };
    const grants = ['user:ann guest-user /tag/web here', 'user:ann guest-user /nodes/h1', 'user:ann guest-user /nodes/h2 here'];
    const facts = sketch({ users: ['ann'], containers, grants });
    const seen = ['/vms/100', '/vms/101', '/vms/102', '/nodes/h2'].map((path) => at(facts, 'ann', path).includes('VM.Console'));
    expect(seen).toEqual([true, true, false, true]);
  });

  it('what is granted above does not come in again by a host or tag, past the grant on the guest that replaced it', () => {
    const containers = { '/tag/web': ['/vms/100'], '/nodes/h1': ['/vms/100'] };
    const facts = sketch({ users: ['ann'], containers, grants: ['user:ann operator /', 'user:ann auditor /vms/100'] });
    expect(at(facts, 'ann', '/vms/100')).not.toContain('VM.PowerMgmt');
  });

  it('what a thing has from its pool is not inherited below it', () => {
    const facts = sketch({
      users: ['ann'],
      containers: { '/pool/p': ['/vms/100'] },
      grants: ['user:ann guest-user /pool/p', 'user:ann backup-operator /vms/100'],
    });
    const indexed = indexFacts(facts);
    const privileges = privilegesAt(indexed, { kind: 'user', id: 'ann' }, thingAt(indexed, '/vms/100'), NOW);
    expect(privileges.get('VM.Console')).toEqual({ inherit: false });
    expect(privileges.get('VM.Snapshot')).toEqual({ inherit: true });
  });
});

describe('tokens', () => {
  const grants = [
    'group:two no-access /vms/200',
    'group:three space /vms/200',
    'user:max admin /vms/300',
    'token:carols admin /vms/200',
    'token:own customer /vms/200',
    'token:own owner /vms/300',
    'token:all owner /vms/200',
  ];
  const facts = sketch({
    users: ['max', 'carol'],
    groups: { two: ['carol'], three: ['max'] },
    roles: { space: ['Datastore.AllocateSpace'], customer: ['VM.Audit'], admin: ['VM.Audit', 'VM.Console'] },
    tokens: ['carols of carol, as carol', 'own of max', 'all of max, as max'],
    grants,
  });
  it.each([
    ['token:carols', '/vms/200', [], 'a token for all that its owner has is cut off with its owner'],
    ['token:all', '/vms/200', ['Datastore.AllocateSpace'], 'it has what its owner has; grants to itself do not count'],
    ['token:own', '/vms/200', [], 'a token with own grants only has nothing that its owner lacks'],
    ['token:own', '/vms/300', ['VM.Audit', 'VM.Console'], 'however much it was granted'],
    ['token:gone', '/vms/300', [], 'a token that nobody knows has nothing'],
  ])('%s at %s: %j; %3$s', (who, path, expected) => expect(at(facts, who, path)).toEqual(expected));
});

describe('time and standing', () => {
  const grants = [
    'user:ann operator /',
    'user:off operator /',
    'user:late operator /',
    'user:soon auditor / until 1000',
    'user:soon operator /vms until 1001',
  ];
  const tokens = ['old of ann, as ann until 999', 'offs of off, as off', 'good of ann, as ann'];
  const facts = sketch({ users: ['ann', 'off off', 'late until 1000', 'soon'], tokens, grants });
  it.each(['off', 'late', 'token:old', 'token:offs', 'nobody'])('%s has nothing', (who) => expect(at(facts, who, '/vms/100')).toEqual([]));

  it('a grant ends at its moment and not before', () => {
    expect(at(facts, 'soon', '/')).toEqual([]);
    expect(at(facts, 'soon', '/vms/100')).toContain('VM.Console');
    expect(at(facts, 'token:good', '/vms/100')).toContain('VM.Console');
  });

  it('a role that nobody knows gives nothing, and its grant still replaces: to remove a role opens nothing', () => {
    const gone = sketch({ users: ['ann'], grants: ['user:ann operator /vms', 'user:ann gone /vms/100'] });
    expect(at(gone, 'ann', '/vms/100')).toEqual([]);
  });
});

it('the example of docs/access.md holds', () => {
  const grants = ['group:ops operator /vms', 'user:bob auditor /vms/107', 'user:bob guest-user /pool/shop until 1001'];
  const words = { users: ['bob'], groups: { ops: ['bob'] }, containers: { '/pool/shop': ['/vms/107', '/vms/108'] } };
  const now = sketch({ ...words, grants });
  const later = sketch({ ...words, grants: grants.map((grant) => grant.replace('1001', '1000')) });
  const has = (facts: AccessFacts, path: string) =>
    ['VM.Audit', 'VM.Console', 'VM.Allocate'].filter((one) => at(facts, 'bob', path).includes(one));
  expect(['/vms/105', '/vms/107', '/vms/108'].map((path) => has(now, path))).toEqual([
    ['VM.Audit', 'VM.Console', 'VM.Allocate'],
    ['VM.Audit', 'VM.Console'],
    ['VM.Audit', 'VM.Console', 'VM.Allocate'],
  ]);
  expect(has(later, '/vms/107')).toEqual(['VM.Audit']);
});

describe('in random worlds', () => {
  it('every right is that of the algorithm of Proxmox VE, with tags and hosts beside pools', () => {
    fc.assert(
      fc.property(question, ({ facts, who, thing }) => {
        const indexed = indexFacts(facts);
        const ours = Object.fromEntries([...privilegesAt(indexed, who, thing, NOW_MS)].map(([name, { inherit }]) => [name, inherit]));
        expect(ours).toEqual(plainPrivileges(facts, who, thing));
        for (const name of PRIVILEGES_ASKED) expect(may(indexed, who, name, thing, NOW_MS)).toBe(name in ours);
      }),
      { numRuns: 5_000 },
    );
  });

  it('a list shows exactly what may be seen one by one', () => {
    fc.assert(
      fc.property(question, fc.constantFrom(...PRIVILEGES_ASKED), ({ facts, who, thing }, privilege) => {
        const indexed = indexFacts(facts);
        const below = thing.path.slice(0, thing.path.lastIndexOf('/'));
        expect(isWithin(reachOf(indexed, who, privilege, below, NOW_MS), thing)).toBe(may(indexed, who, privilege, thing, NOW_MS));
      }),
      { numRuns: 5_000 },
    );
  });
});

// --- the same rules once more, as plainly as can be ---------------------------------------------------------------------

type Flags = Record<string, boolean>;

function plainPrivileges(facts: AccessFacts, who: Principal, thing: Thing): Flags {
  const live = (moment: number | null) => moment === null || moment > NOW_MS;
  const isGood = (id: string) => facts.users.some((user) => user.id === id && user.isEnabled && live(user.expiresAtMs));
  if (who.kind === 'user') return isGood(who.id) ? plainOf(facts, who, thing) : {};
  if (who.kind === 'group') return plainOf(facts, who, thing);
  const token = facts.tokens.find(({ id }) => id === who.id);
  if (!token || !live(token.expiresAtMs) || !isGood(token.owner)) return {};
  const owners = plainOf(facts, { kind: 'user', id: token.owner }, thing);
  if (!token.ownGrantsOnly) return owners;
  const own = plainOf(facts, who, thing);
  return Object.fromEntries(Object.keys(own).flatMap((name) => (name in owners ? [[name, Boolean(own[name] && owners[name])]] : [])));
}

function plainOf(facts: AccessFacts, who: Principal, thing: Thing): Flags {
  let roles = plainRoles(facts, who, thing.path, 'walk');
  if (!('no-access' in roles)) {
    const byContainer: Flags = {};
    for (const container of thing.memberOf) {
      const isPool = container.startsWith('/pool/');
      if (isPool && !facts.containers.some(({ path }) => path === container)) continue;
      const how = isPool ? 'walk' : container.startsWith('/tag/') ? 'only' : 'only-inherited';
      Object.assign(byContainer, plainRoles(facts, who, container, how));
    }
    if ('no-access' in byContainer) roles = { 'no-access': false };
    else for (const role of Object.keys(byContainer)) roles[role] ??= false;
  }
  const privileges: Flags = {};
  for (const { name, privileges: listed, cancels } of facts.roles)
    if (!cancels && name in roles) for (const privilege of listed) privileges[privilege] ||= roles[name] === true;
  return privileges;
}

function plainRoles(facts: AccessFacts, who: Principal, path: string, how: 'walk' | 'only' | 'only-inherited'): Flags {
  const segments = path.split('/').slice(1);
  const levels = path === '/' || how !== 'walk' ? [] : segments.map((_, index) => `/${segments.slice(0, index).join('/')}`);
  let roles: Flags = {};
  for (const level of [...levels, path]) {
    const here = facts.grants.filter(
      ({ scope, inherit, untilMs }) =>
        scope === level && (inherit || (level === path && how !== 'only-inherited')) && (untilMs === null || untilMs > NOW_MS),
    );
    const own = here.filter(({ principal }) => principal.kind === who.kind && principal.id === who.id);
    const isMember = (group: string) => facts.groups.some(({ id, members }) => id === group && members.includes(who.id));
    const theirs = here.filter(({ principal }) => who.kind === 'user' && principal.kind === 'group' && isMember(principal.id));
    const taken = own.length > 0 ? own : theirs;
    if (taken.length === 0) continue;
    roles = {};
    for (const { role, inherit } of taken) roles[role] = roles[role] === true || inherit;
  }
  return 'no-access' in roles ? { 'no-access': true } : roles;
}
