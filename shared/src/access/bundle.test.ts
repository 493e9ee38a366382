import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Problem } from '../lib/problem.ts';
import { bundleSchema, readBundle } from './bundle.ts';
import { factsOfBundle } from './bundle-facts.ts';
import { privilegesAt } from './decide.ts';
import { indexFacts, thingAt } from './index-facts.ts';
import { Privilege } from './privilege.ts';

const NOW = Date.UTC(2026, 10, 22);

function at(bundle: object, user: string, path: string): string[] {
  const indexed = indexFacts(factsOfBundle(readBundle(JSON.stringify(bundle))));
  return [...privilegesAt(indexed, { kind: 'user', id: user }, thingAt(indexed, path), NOW).keys()].sort();
}

function refusal(text: string) {
  try {
    factsOfBundle(readBundle(text));
  } catch (thrown) {
    if (thrown instanceof Problem) return { detail: thrown.message, field: thrown.field, suggestion: thrown.suggestion };
    throw thrown;
  }
  return null;
}

const grants = (role: string, scope = '/') => [{ principal: 'user:ann', role, scope }];
const users = [{ name: 'ann' }];

describe('what a bundle means', () => {
  it('takes names and roles as Proxmox VE has them', () => {
    const bundle = {
      users: [{ name: 'alice@pve' }],
      groups: [{ name: 'ops', members: ['alice@pve'] }],
      roles: [{ name: 'PVEVMAdmin', privileges: ['VM.Audit', 'VM.Console'] }],
      pools: [{ name: 'shop/tests', members: ['/vms/107'] }],
      grants: [
        { principal: 'group:ops', role: 'PVEVMAdmin', scope: '/pool/shop' },
        { principal: 'user:alice@pve', role: 'NoAccess', scope: '/vms/108' },
      ],
    };
    expect(at(bundle, 'alice@pve', '/vms/107')).toEqual(['VM.Audit', 'VM.Console']);
    expect(at(bundle, 'alice@pve', '/vms/108')).toEqual([]);
  });

  it('lets a bundle have paths, roles and privileges of its own', () => {
    const roles = [{ name: 'reader', privileges: ['doc.read'] }];
    expect(at({ users, roles, grants: grants('reader', '/a') }, 'ann', '/a/b/c/d/e/f')).toEqual(['doc.read']);
  });

  it('has the built-in roles, each whole', () =>
    expect(at({ users, grants: grants('owner') }, 'ann', '/vms/1')).toEqual([...Privilege.options].sort()));

  it('a role that the bundle defines anew is as the bundle defines it, and nothing else', () => {
    const roles = [{ name: 'operator', privileges: ['VM.Audit'] }];
    expect(at({ users, roles, grants: grants('operator') }, 'ann', '/vms/1')).toEqual(['VM.Audit']);
  });

  it('with a closed list of privileges an owner has all of it, and other built-in roles what is in it', () => {
    const privileges = ['VM.Audit', 'doc.read'];
    expect(at({ users, privileges, grants: grants('owner') }, 'ann', '/')).toEqual(privileges);
    expect(at({ users, privileges, grants: grants('operator') }, 'ann', '/')).toEqual(['VM.Audit']);
  });

  it('any role can be one that takes everything away', () => {
    const roles = [{ name: 'locked', cancels: true }];
    const both = [...grants('owner'), { principal: 'user:ann', role: 'locked', scope: '/' }];
    expect(at({ users, roles, grants: both }, 'ann', '/')).toEqual([]);
  });

  it.each([
    [undefined, 1],
    [null, 1],
    ['2026-11-22', 0],
    ['2026-11-23', 1],
    ['2026-11-22T00:30:00+01:00', 0],
    ['2026-11-22T01:30:00+01:00', 1],
    [NOW, 0],
    [NOW + 1, 1],
  ])('a grant until %j leaves %i privileges at the first moment of 22 November 2026, UTC', (until, count) => {
    const roles = [{ name: 'look', privileges: ['VM.Audit'] }];
    expect(at({ users, roles, grants: [{ ...grants('look')[0], until }] }, 'ann', '/')).toHaveLength(count);
  });

  it('a token has own grants only unless the bundle says otherwise, and its owner may stand in its name', () => {
    const facts = factsOfBundle(
      readBundle(JSON.stringify({ users, tokens: [{ name: 'ann!ci' }, { name: 'x', owner: 'ann', ownGrantsOnly: false }] })),
    );
    expect(facts.tokens.map(({ owner, ownGrantsOnly }) => [owner, ownGrantsOnly])).toEqual([
      ['ann', true],
      ['ann', false],
    ]);
  });

  it('names that mean something to a program are names like any other', () => {
    const odd = ['__proto__', 'constructor', 'toString'];
    for (const name of odd) {
      const bundle = `{"users":[{"name":"${name}"}],"grants":[{"principal":"user:${name}","role":"auditor","scope":"/${name}"}]}`;
      expect(at(JSON.parse(bundle), name, `/${name}`)).toContain('VM.Audit');
      expect(at(JSON.parse(bundle), name, '/')).toEqual([]);
    }
    expect(at({ users, grants: grants('constructor') }, 'ann', '/')).toEqual([]);
  });
});

describe('what a bundle may not be', () => {
  it.each([
    ['{', undefined, 'is not JSON'],
    ['[]', undefined, 'the bundle: '],
    ['{"user": []}', 'user', 'no such field'],
    ['{"users": [{"name": "a", "colour": 1}]}', 'users.0.colour', 'no such field'],
    ['{"users": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}', 'users.2.name', '"a" is there already, as users.0'],
    ['{"grants": [{"principal": "alice", "role": "owner", "scope": "/"}]}', 'grants.0.principal', 'user:alice'],
    ['{"grants": [{"principal": "user:a", "role": "owner", "scope": "vms"}]}', 'grants.0.scope', 'a path such as'],
    ['{"grants": [{"principal": "user:a", "role": "owner", "scope": "/vms/"}]}', 'grants.0.scope', 'no "/" at the end'],
    ['{"grants": [{"principal": "user:a", "role": "owner", "scope": "/a//b"}]}', 'grants.0.scope', 'no empty parts'],
    ['{"grants": [{"principal": "user:a", "role": "owner", "scope": "/", "until": "soon"}]}', 'grants.0.until', 'use a moment such as'],
    [
      '{"grants": [{"principal": "user:a", "role": "owner", "scope": "/", "until": "2026-02-30"}]}',
      'grants.0.until',
      'use a moment such as',
    ],
    ['{"users": [{"name": "a", "expires": 0}]}', 'users.0.expires', 'null for never'],
    ['{"pools": [{"name": "a/b/c/d"}]}', 'pools.0.name', 'up to three levels'],
    ['{"pools": [{"name": "a\\u0001"}]}', 'pools.0.name', 'control characters'],
    ['{"users": [{"name": "a\\u0001"}]}', 'users.0.name', 'control characters'],
    ['{"privileges": ["A"], "roles": [{"name": "r", "privileges": ["A", "B"]}]}', 'roles.0.privileges.1', 'not in the bundle’s list'],
    ['{"roles": [{"name": "NoAccess", "privileges": ["A"]}]}', 'roles.0.privileges', 'takes everything away'],
    ['{"roles": [{"name": "no-access", "cancels": false}]}', 'roles.0.cancels', 'always cancels'],
    ['{"tokens": [{"name": "ci"}]}', 'tokens.0', 'nobody owns "ci"'],
    ['{"tokens": [{"name": "ann!ci", "owner": "bob"}]}', 'tokens.0.owner', 'named for "ann"'],
  ])('%s is refused with its place and what to do', (text, field, detail) => {
    const refused = refusal(text);
    expect(refused?.field).toBe(field);
    expect(refused?.detail).toContain(detail);
    expect(refused?.suggestion).toBeTruthy();
  });
});

it('docs/access-bundle.schema.json is the schema of the code: renew it by npm run schemas', () => {
  const path = join(import.meta.dirname, '../../../docs/access-bundle.schema.json');
  expect(readFileSync(path, 'utf8')).toBe(bundleSchema());
});
