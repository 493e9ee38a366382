import { may } from '@drover/shared/access/decide';
import type { AccessFacts, Grant } from '@drover/shared/access/facts';
import { indexFacts } from '@drover/shared/access/index-facts';
import { isWithin, type Reach, reachOf } from '@drover/shared/access/reach';
import type { Who } from '@drover/shared/access/standing';
import type { Page } from '@drover/shared/api/views';
import { HostId, ImageId, NetworkId, StorageId } from '@drover/shared/model/id';
import { sql } from 'drizzle-orm';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aContainer, aGuest, aHost, aNetwork, anImage, aStorage } from '../../../test/control-plane/held.ts';
import type { Change, WishWrite } from '../core/change.ts';
import type { Held } from '../core/held.ts';
import type { RightsWrite } from '../core/rights.ts';
import { NOWHERE, type ThingKind, thingOf, type Whereabouts } from '../core/things.ts';
import { LocalClient } from './local-client.ts';
import { openStore } from './open.ts';
import type { Store } from './store.ts';
import { type ThingColumns, within } from './within.ts';

/** Lists are narrowed by the database, single things are decided about by a function: both must say the same of everything. */

const NOW_MS = 10;
const HOSTS = ['host_one0one0one0one0one0', 'host_two0two0two0two0two0'].map((id) => HostId.parse(id));
const POOLS = ['p', 'p/q', 'r'];
const TAGS = [[], ['x'], ['y'], ['x', 'y']];
/** Every pool, or none, on every host. */
const PLACES = HOSTS.flatMap((hostId) => [null, ...POOLS].map((pool) => ({ hostId, pool })));

const GUESTS = PLACES.flatMap((place) => TAGS.map((tags) => ({ ...place, tags }))).map((where, at) => ({ id: String(100 + at), where }));
const placed = (prefix: string) =>
  PLACES.map((where, at) => ({ id: `${prefix}_aaaaaaaaaaaaaaaaaaa${at}`, where: { ...NOWHERE, ...where } }));
const [STORAGES, NETWORKS] = [placed('storage'), placed('network')];
const IMAGES = STORAGES.map(({ id, where }) => ({ id: id.replace('storage', 'image'), where: { ...where, storageId: id } }));

let store: Store;
beforeAll(async () => {
  store = await openStore(':memory:', () => NOW_MS);
  await commit({ newHosts: HOSTS.map((id, at) => ({ ...aHost(), id, name: `h${at}` })) });
  await commit({
    wishes: [
      ...STORAGES.map(({ id, where }) =>
        wished({ ...aStorage({ id: StorageId.parse(id), spec: { name: id.slice(-8), driver: 'directory', config: {} } }), ...on(where) }),
      ),
      ...NETWORKS.map(({ id, where }) =>
        wished({ ...aNetwork({ id: NetworkId.parse(id), spec: { name: id.slice(-8), driver: 'nat', config: {} } }), ...on(where) }),
      ),
      ...IMAGES.map(({ id, where }) => {
        const { spec, ...image } = anImage({ id: ImageId.parse(id) });
        return wished({ ...image, spec: { ...spec, name: id.slice(-8), storageId: StorageId.parse(where.storageId) }, ...on(where) });
      }),
      ...GUESTS.map(({ id, where: { tags, ...where } }) =>
        wished({ ...aGuest({ id, spec: aContainer({ name: `g${id}`, tags }) }), ...on(where) }),
      ),
    ],
  });
  await commit({ rights: POOLS.map((path): RightsWrite => ({ do: 'add-pool', pool: { path, notes: '', quota: {}, createdAtMs: 1 } })) });
  const into =
    (kind: 'guest' | 'storage' | 'network') =>
    ({ id, where: { pool } }: { readonly id: string; readonly where: { readonly pool: string | null } }): RightsWrite => ({
      do: 'set-pool',
      member: { kind, id },
      path: pool,
    });
  await commit({ rights: [...GUESTS.map(into('guest')), ...STORAGES.map(into('storage')), ...NETWORKS.map(into('network'))] });
});
afterAll(() => store.close());

async function commit(change: Partial<Change>): Promise<void> {
  expect(await store.commit({ by: 'anna', atMs: 1, ...change })).toEqual({ committed: true });
}
// Sound: kind and spec come from one and the same thing.
const wished = ({ kind, id, hostId, spec }: Held): WishWrite => ({ kind, id, hostId, generation: 1, spec, deletion: null }) as WishWrite;
const on = ({ hostId }: { readonly hostId: string | null }) => ({ hostId: HostId.parse(hostId) });

const who: fc.Arbitrary<Who> = fc.oneof(
  fc.record({ kind: fc.constant('user' as const), id: fc.constantFrom('ann', 'bob') }),
  fc.record({ kind: fc.constant('token' as const), id: fc.constantFrom('own', 'all') }),
);
const SOME_THINGS = [
  ...['/vms/100', '/vms/107', '/vms/131'],
  ...STORAGES.slice(0, 3).map(({ id }) => `/storage/${id}`),
  ...NETWORKS.slice(0, 3).map(({ id }) => `/network/${id}`),
];
const CONTAINERS = [...['/pool', ...POOLS.map((pool) => `/pool/${pool}`)], '/tag/x', '/tag/y', ...HOSTS.map((id) => `/nodes/${id}`)];
const grant: fc.Arbitrary<Omit<Grant, 'id'>> = fc.record({
  principal: fc.oneof(who, fc.constant({ kind: 'group' as const, id: 'red' })),
  role: fc.constantFrom('a', 'a', 'a', 'b', 'no-access', 'gone'),
  scope: fc.oneof(fc.constantFrom('/', '/vms', '/nodes', '/storage', '/network'), fc.constantFrom(...SOME_THINGS, ...CONTAINERS)),
  inherit: fc.boolean(),
  untilMs: fc.constantFrom(null, null, null, NOW_MS, NOW_MS + 1),
});
const person = (id: string) => ({ id, name: id, isEnabled: true, expiresAtMs: null, hasSecondFactor: false });
const facts: fc.Arbitrary<AccessFacts> = fc.array(grant, { minLength: 1, maxLength: 14 }).map((grants) => ({
  users: ['ann', 'bob'].map(person),
  groups: [{ id: 'red', name: 'red', members: ['ann'] }],
  roles: [
    { name: 'a', privileges: ['A', 'B'], cancels: false },
    { name: 'b', privileges: ['B'], cancels: false },
    { name: 'no-access', privileges: [], cancels: true },
  ],
  containers: POOLS.map((pool) => ({ path: `/pool/${pool}`, members: [] })),
  tokens: ['own', 'all'].map((id) => ({ id, name: id, owner: 'ann', ownGrantsOnly: id === 'own', expiresAtMs: null })),
  grants: grants.map((one, at) => ({ id: `g${at}`, ...one })),
}));

/** All pages, each of which must tell the same total. */
async function listed<T>(idOf: (item: T) => string, read: (after: string | undefined) => Promise<Page<T>>) {
  const ids: string[] = [];
  const totals = new Set<number>();
  for (let after: string | undefined; ; ) {
    const { items, next, total } = await read(after);
    ids.push(...items.map(idOf));
    totals.add(total);
    if (next === null) return { ids: ids.sort(), totals: [...totals] };
    after = next;
  }
}

it('a list shows and counts exactly the things on which the decision says yes, whoever asks', async () => {
  await fc.assert(
    fc.asyncProperty(facts, who, async (given, asker) => {
      const indexed = indexFacts(given);
      const reach = (below: string) => reachOf(indexed, asker, 'A', below, NOW_MS);
      const wanted = (kind: ThingKind, things: readonly { readonly id: string; readonly where?: Partial<Whereabouts> }[]) => {
        const ids = things.filter(({ id, where }) => may(indexed, asker, 'A', thingOf(kind, id, { ...NOWHERE, ...where }), NOW_MS));
        return { ids: ids.map(({ id }) => id).sort(), totals: [ids.length] };
      };
      const onHost = (kind: 'storage' | 'network' | 'image', below: string) =>
        listed(
          ({ resource }: { readonly resource: { readonly id: string } }) => resource.id,
          (after) => store.allPlaced(kind, { limit: 5, after }, reach(below)),
        );
      const guests = await listed(
        ({ guest }: { readonly guest: { readonly id: string } }) => guest.id,
        (after) => store.guests({ limit: 20, after }, reach('/vms')),
      );
      const hosts = await listed(
        ({ host }: { readonly host: { readonly id: string } }) => host.id,
        (after) => store.hosts({ limit: 1, after }, reach('/nodes')),
      );
      expect(guests).toEqual(wanted('guest', GUESTS));
      expect(hosts).toEqual(
        wanted(
          'host',
          HOSTS.map((id) => ({ id })),
        ),
      );
      expect(await onHost('storage', '/storage')).toEqual(wanted('storage', STORAGES));
      expect(await onHost('network', '/network')).toEqual(wanted('network', NETWORKS));
      expect(await onHost('image', '/storage')).toEqual(wanted('image', IMAGES));
    }),
    { numRuns: 150 },
  );
}, 60_000);

it('a thing on no host and in no pool is in nothing that denies, and in nothing that gives', async () => {
  const client = new LocalClient(':memory:', 0);
  const none: ThingColumns = { id: sql`'100'`, hostId: sql`NULL`, pool: sql`NULL`, isTagged: null };
  const denies = new Set([`/nodes/${HOSTS[0]}`, '/pool/p']);
  for (const [base, containers, isSeen] of [
    ['gives', { gives: new Set<string>(), denies }, 1],
    ['silent', { gives: denies, denies: new Set<string>() }, 0],
  ] as const) {
    const reach = { below: '/vms', parts: [{ base, exact: new Map(), ...containers }] } satisfies Reach;
    const { sql: text, params } = new SQLiteSyncDialect().sqlToQuery(sql`SELECT ${within(reach, none)} AS seen`);
    // Sound: lists go into the statement as JSON, which is text.
    expect((await client.execute({ sql: text, args: params as string[] })).rows[0]?.seen).toBe(isSeen);
    expect(isWithin(reach, { path: '/vms/100', memberOf: [] })).toBe(isSeen === 1);
  }
  client.close();
});
