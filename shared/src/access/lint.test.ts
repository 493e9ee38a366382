import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bundle, readBundle } from './bundle.ts';
import { factsOfBundle } from './bundle-facts.ts';
import { Finding } from './finding.ts';
import { indexFacts } from './index-facts.ts';
import { lint } from './lint.ts';

const NOW = Date.UTC(2026, 10, 22);

/** Somebody who may change rights, so that nothing else is found by itself. */
const GOOD = {
  users: [{ name: 'root', secondFactor: true }, { name: 'ann' }, { name: 'bob' }, { name: 'off', enabled: false }],
  groups: [{ name: 'ops', members: ['ann', 'bob'] }],
  pools: [{ name: 'shop', members: ['/vms/107'] }],
  tokens: [{ name: 'ann!ci' }],
} satisfies Bundle;
const GRANTS = [
  { principal: 'user:root', role: 'owner', scope: '/' },
  { principal: 'group:ops', role: 'operator', scope: '/vms' },
  { principal: 'token:ann!ci', role: 'auditor', scope: '/pool/shop' },
  { principal: 'user:ann', role: 'auditor', scope: '/pool' },
];

function found(more: Partial<Bundle>, grants: NonNullable<Bundle['grants']> = []) {
  const bundle = { ...GOOD, ...more, grants: [...GRANTS, ...grants] };
  const findings = lint(bundle, indexFacts(factsOfBundle(bundle)), NOW);
  for (const finding of findings) expect(Finding.parse(finding)).toEqual(finding);
  return findings.map(({ severity, code, where }) => `${severity} ${code} ${where}`);
}

it('finds nothing where nothing is wrong', () => expect(found({})).toEqual([]));

describe('grants that never match', () => {
  it.each([
    [[{ principal: 'user:zoe', role: 'auditor', scope: '/' }], ['error unknown-principal grants.4']],
    [[{ principal: 'group:zoo', role: 'auditor', scope: '/' }], ['error unknown-principal grants.4']],
    [[{ principal: 'token:ann!x', role: 'auditor', scope: '/' }], ['error unknown-principal grants.4']],
    [[{ principal: 'user:bob', role: 'kind', scope: '/' }], ['error unknown-role grants.4']],
    [[{ principal: 'user:bob', role: 'auditor', scope: '/pool/shed' }], ['error unknown-pool grants.4']],
    [[{ principal: 'user:bob', role: 'auditor', scope: '/', until: '2026-11-22' }], ['warning expired grants.4']],
    [[{ principal: 'user:bob', role: 'auditor', scope: '/', until: '2026-11-23' }], []],
    [[{ principal: 'user:off', role: 'auditor', scope: '/' }], ['warning principal-without-rights grants.4']],
    [[{ principal: 'user:bob', role: 'auditor', scope: '/vms/999' }], ['note scope-of-nothing grants.4']],
    [[{ principal: 'user:bob', role: 'auditor', scope: '/storage/s' }], []],
    [[{ principal: 'user:bob', role: 'auditor', scope: '/access/users' }], []],
    [[{ principal: 'group:ops', role: 'operator', scope: '/vms' }], ['warning duplicate grants.4']],
    [
      [
        { principal: 'user:bob', role: 'auditor', scope: '/x' },
        { principal: 'user:bob', role: 'no-access', scope: '/x' },
      ],
      ['warning cancelled grants.4'],
    ],
    [
      [
        { principal: 'group:ops', role: 'auditor', scope: '/x' },
        { principal: 'user:ann', role: 'operator', scope: '/x' },
        { principal: 'user:bob', role: 'operator', scope: '/x' },
      ],
      ['warning replaced grants.4'],
    ],
  ])('%j: %j', (grants, expected) => expect(found({}, grants)).toEqual(expected));

  it('a group’s grant that one’s own replace still matches who has no own one, and what is below one that is not inherited', () => {
    const groups = { principal: 'group:ops', role: 'auditor', scope: '/x' };
    const own = ['ann', 'bob'].map((name) => ({ principal: `user:${name}`, role: 'operator', scope: '/x' }));
    expect(found({}, [groups, ...own.slice(0, 1)])).toEqual([]);
    expect(found({}, [{ ...groups, role: 'no-access' }, ...own.slice(0, 1)])).toEqual([]);
    expect(found({}, [groups, ...own.map((one) => ({ ...one, inherit: false }))])).toEqual([]);
  });

  it('where a bundle lists its things, a scope with none is more than a note', () => {
    const grants = [{ principal: 'user:bob', role: 'auditor', scope: '/storage/s' }];
    expect(found({ things: ['/vms/107'] }, grants)).toEqual(['warning scope-of-nothing grants.4']);
    expect(found({ things: ['/vms/107', '/storage/s'] }, grants)).toEqual([]);
    expect(found({ things: ['/vms/107'] }, [{ principal: 'user:bob', role: 'auditor', scope: '/access/users' }])).toEqual([]);
  });
});

describe('roles, groups and members', () => {
  it.each<[Partial<Bundle>, string[]]>([
    [{ roles: [{ name: 'idle', privileges: ['VM.Audit'] }] }, ['warning unused-role roles.0']],
    [{ groups: [...GOOD.groups, { name: 'none' }] }, ['warning empty-group groups.1']],
    [{ groups: [{ name: 'ops', members: ['ann', 'zoe'] }] }, ['warning unknown-member groups.0.members.1']],
    [{ things: ['/vms/1'] }, ['warning unknown-member pools.0.members.0']],
  ])('%j: %j', (more, expected) => expect(found(more)).toEqual(expected));

  it('a role whose only grant matches nobody is one that nobody has', () => {
    const roles = [{ name: 'look', privileges: ['VM.Audit'] }];
    const grants = [{ principal: 'user:zoe', role: 'look', scope: '/' }];
    expect(found({ roles }, grants)).toEqual(['error unknown-principal grants.4', 'warning unused-role roles.0']);
  });

  it('a role of nothing is told from one that takes everything away, and a privilege of one’s own from Drover’s', () => {
    const roles = [{ name: 'none' }, { name: 'lock', cancels: true }, { name: 'own', privileges: ['VM.Audit', 'doc.read'] }];
    const grants = roles.map(({ name }) => ({ principal: 'user:bob', role: name, scope: `/${name}` }));
    expect(found({ roles }, grants)).toEqual(['warning empty-role roles.0', 'note own-privilege roles.2.privileges.1']);
  });
});

describe('owners', () => {
  const owner = (principal: string, scope = '/') => [{ principal, role: 'owner', scope }];
  it.each([
    [[{ name: 'eve', secondFactor: false }], owner('user:eve'), ['error owner-without-second-factor users.0']],
    [[{ name: 'eve' }], owner('user:eve'), ['warning owner-without-second-factor users.0']],
    [[{ name: 'eve', secondFactor: true }], owner('user:eve'), []],
    [[{ name: 'eve', secondFactor: false }], owner('group:eves', '/pool/shop'), ['error owner-without-second-factor users.0']],
    [[{ name: 'eve', secondFactor: false, expires: '2026-01-01' }], owner('user:eve'), ['warning principal-without-rights grants.4']],
  ])('%j with %j: %j', (users, grants, expected) => {
    const groups = grants.some(({ principal }) => principal === 'group:eves')
      ? [...GOOD.groups, { name: 'eves', members: ['eve'] }]
      : GOOD.groups;
    expect(found({ users: [...users, ...GOOD.users], groups }, grants)).toEqual(expected);
  });

  it('says when nobody could change the grants', () => {
    const bundle = { ...GOOD, grants: GRANTS.slice(1) };
    expect(lint(bundle, indexFacts(factsOfBundle(bundle)), NOW).map(({ code }) => code)).toEqual(['nobody-gives-rights']);
  });
});

describe('tokens', () => {
  it.each<[Partial<Bundle>, NonNullable<Bundle['grants']>, string[]]>([
    [{}, [{ principal: 'token:ann!ci', role: 'owner', scope: '/vms' }], ['warning token-exceeds-owner grants.4']],
    // His right on what is in the pool comes from elsewhere: it still backs the token's grant on the pool.
    [{ tokens: [...GOOD.tokens, { name: 'bob!x' }] }, [{ principal: 'token:bob!x', role: 'guest-user', scope: '/pool/shop' }], []],
    [
      { tokens: [...GOOD.tokens, { name: 'bob!x' }] },
      [{ principal: 'token:bob!x', role: 'host-admin', scope: '/pool/shop' }],
      ['warning token-exceeds-owner grants.4'],
    ],
    [{ tokens: [...GOOD.tokens, { name: 'ann!idle' }] }, [], ['warning token-without-grants tokens.1']],
    [{ tokens: [...GOOD.tokens, { name: 'zoe!x' }] }, [], ['error unknown-owner tokens.1']],
    [{ tokens: [{ name: 'ann!ci', ownGrantsOnly: false }] }, [], ['warning token-grant-ignored grants.2']],
    // Nor is it too much where he has it on one thing below, by itself or by its pool.
    [
      { tokens: [...GOOD.tokens, { name: 'bob!x' }] },
      [
        { principal: 'user:bob', role: 'host-admin', scope: '/nodes/h1' },
        { principal: 'token:bob!x', role: 'host-admin', scope: '/nodes' },
      ],
      [],
    ],
    [
      { tokens: [...GOOD.tokens, { name: 'bob!x' }] },
      [
        { principal: 'user:bob', role: 'host-admin', scope: '/pool/shop' },
        { principal: 'token:bob!x', role: 'host-admin', scope: '/vms' },
      ],
      [],
    ],
    [
      { tokens: [...GOOD.tokens, { name: 'off!x' }] },
      [{ principal: 'token:off!x', role: 'auditor', scope: '/vms' }],
      ['warning principal-without-rights grants.4'],
    ],
    [{ tokens: [{ name: 'ann!ci', expires: '2026-01-01' }] }, [], ['warning principal-without-rights grants.2']],
  ])('%j with %j: %j', (more, grants, expected) => expect(found(more, grants)).toEqual(expected));
});

it('the bundle in docs/access.md is one in which nothing is wrong', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/access.md'), 'utf8');
  const bundle = readBundle(/```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '');
  expect(lint(bundle, indexFacts(factsOfBundle(bundle)), NOW)).toEqual([]);
});
