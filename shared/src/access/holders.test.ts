import { expect, it } from 'vitest';
import type { Grant } from './facts.ts';
import { holdersOf } from './holders.ts';
import { indexFacts } from './index-facts.ts';

const user = (id: string, isEnabled = true) => ({ id, name: id, isEnabled, expiresAtMs: null, hasSecondFactor: false });
const grant = (kind: 'user' | 'group' | 'token', id: string, role: string, scope: string, untilMs: number | null = null): Grant => ({
  ...{ id: `${kind}-${id}-${role}`, principal: { kind, id }, role, scope, inherit: true, untilMs },
});
const facts = indexFacts({
  users: [user('anna'), user('ben'), user('eve'), user('gone', false), user('late')],
  groups: [{ id: 'ops', name: 'ops', members: ['ben', 'gone'] }],
  roles: [
    { name: 'look', privileges: ['VM.Audit'], cancels: false },
    { name: 'use', privileges: ['VM.PowerMgmt', 'VM.Audit'], cancels: false },
    { name: 'none', privileges: [], cancels: true },
  ],
  containers: [{ path: '/pool/shop', members: [] }],
  tokens: [
    { id: 'ci', name: 'ci', owner: 'anna', ownGrantsOnly: true, expiresAtMs: null },
    { id: 'all', name: 'all', owner: 'anna', ownGrantsOnly: false, expiresAtMs: null },
  ],
  grants: [
    grant('user', 'anna', 'use', '/'),
    grant('group', 'ops', 'look', '/pool/shop'),
    grant('token', 'ci', 'look', '/vms/107'),
    grant('user', 'eve', 'none', '/vms/107'),
    grant('user', 'late', 'use', '/', 5),
  ],
});

it('tells of everybody who may do anything with a thing, people before it or by a group, and tokens of their own right', () => {
  const web = { path: '/vms/107', memberOf: ['/pool/shop'] };
  expect(holdersOf(facts, web, 10)).toEqual([
    { who: { kind: 'user', id: 'anna' }, name: 'anna', privileges: ['VM.Audit', 'VM.PowerMgmt'] },
    { who: { kind: 'token', id: 'ci' }, name: 'anna!ci', privileges: ['VM.Audit'] },
    { who: { kind: 'user', id: 'ben' }, name: 'ben', privileges: ['VM.Audit'] },
  ]);
  expect(holdersOf(facts, { path: '/vms/108', memberOf: [] }, 10).map(({ name }) => name)).toEqual(['anna']);
});
