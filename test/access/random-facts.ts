import fc from 'fast-check';
import type { AccessFacts, Grant } from '../../shared/src/access/facts.ts';
import type { Thing } from '../../shared/src/access/scope.ts';
import type { Who } from '../../shared/src/access/standing.ts';

/** Small worlds of rights, in which everything can be in everything's way. The time is 10. */
export const NOW_MS = 10;

const USERS = ['ann', 'bob', 'cy'];
const GROUPS = ['red', 'blue'];
const TOKENS = ['t1', 't2', 't3'];
export const PRIVILEGES_ASKED = ['A', 'B', 'C'];
const ROLES = ['a', 'b', 'ab', 'no-access', 'gone'];
const THINGS = ['/vms/100', '/vms/101', '/nodes/h1', '/storage/s1'];
const CONTAINERS = ['/pool/p', '/pool/p/q', '/pool/r', '/pool/unknown', '/tag/x', '/tag/y', '/nodes/h1', '/nodes/h2'];
const SCOPES = ['/', '/vms', '/storage', '/nodes', '/pool', '/tag', ...THINGS, ...CONTAINERS];

const moment = fc.oneof({ arbitrary: fc.constant(null), weight: 4 }, { arbitrary: fc.constantFrom(9, 10, 11), weight: 1 });
const usually = fc.integer({ min: 0, max: 9 }).map((n) => n > 0);

const who: fc.Arbitrary<Who> = fc.oneof(
  fc.record({ kind: fc.constant('user' as const), id: fc.constantFrom(...USERS, 'nobody') }),
  fc.record({ kind: fc.constant('group' as const), id: fc.constantFrom(...GROUPS) }),
  fc.record({ kind: fc.constant('token' as const), id: fc.constantFrom(...TOKENS) }),
);

const grant: fc.Arbitrary<Omit<Grant, 'id'>> = fc.record({
  principal: who,
  role: fc.constantFrom(...ROLES, 'a', 'b', 'ab'),
  scope: fc.constantFrom(...SCOPES),
  inherit: fc.boolean(),
  untilMs: moment,
});

const facts: fc.Arbitrary<AccessFacts> = fc.record({
  users: fc.tuple(
    ...USERS.map((id) =>
      fc.record({ isEnabled: usually, expiresAtMs: moment }).map((user) => ({ id, name: id, hasSecondFactor: false, ...user })),
    ),
  ),
  groups: fc.tuple(...GROUPS.map((id) => fc.subarray(USERS).map((members) => ({ id, name: id, members })))),
  roles: fc.constant([
    { name: 'a', privileges: ['A'], cancels: false },
    { name: 'b', privileges: ['B'], cancels: false },
    { name: 'ab', privileges: ['A', 'B', 'C'], cancels: false },
    { name: 'no-access', privileges: ['A'], cancels: true },
  ]),
  containers: fc.constant(['/pool/p', '/pool/p/q', '/pool/r'].map((path) => ({ path, members: [] }))),
  tokens: fc.tuple(
    ...TOKENS.map((id) =>
      fc
        .record({ owner: fc.constantFrom(...USERS), ownGrantsOnly: fc.boolean(), expiresAtMs: moment })
        .map((token) => ({ id, name: id, ...token })),
    ),
  ),
  grants: fc.array(grant, { maxLength: 25 }).map((grants) => grants.map((one, index) => ({ id: `g${index}`, ...one }))),
});

const thing: fc.Arbitrary<Thing> = fc.record({
  path: fc.constantFrom(...THINGS, '/vms/102'),
  memberOf: fc.subarray(CONTAINERS, { maxLength: 3 }),
});

export const question = fc.record({ facts, who, thing });
