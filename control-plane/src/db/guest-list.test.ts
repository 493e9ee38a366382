import type { ListGuests } from '@drover/shared/api/requests';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotedClient } from '../../../test/control-plane/asked.ts';
import { aContainer, aGuest, aHost, aNetwork, anImage, aStatus, aStorage, HOST_ID } from '../../../test/control-plane/held.ts';
import type { Change, WishWrite } from '../core/change.ts';
import type { Held } from '../core/held.ts';
import { LocalClient } from './local-client.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';
import { storeOn } from './open.ts';
import type { Store } from './store.ts';

let client: NotedClient;
let store: Store;

beforeEach(async () => {
  client = new NotedClient();
  store = await storeOn(client, () => 1);
  await commit({ newHosts: [aHost()], wishes: [aStorage(), aNetwork(), anImage()].map(wished) });
});
afterEach(() => store.close());

async function commit(change: Partial<Change>): Promise<void> {
  expect(await store.commit({ by: 'anna', atMs: 1, ...change })).toEqual({ committed: true });
}
const wished = ({ kind, id, hostId, generation, spec, deletion }: Held): WishWrite =>
  ({ kind, id, hostId, generation, spec, deletion }) as WishWrite;
const guest = (id: number, spec: Parameters<typeof aContainer>[0] = {}, generation = 1) =>
  wished(aGuest({ id: String(id), generation, spec: aContainer({ name: `guest-${id}`, ...spec }) }));
const seen = (id: number, power: string) => ({
  kind: 'guest' as const,
  id: String(id),
  ackedGeneration: 1,
  appliedGeneration: 1,
  status: aStatus('guest', String(id), 1, { observed: { power } }),
});

describe('a list of guests', () => {
  const filters: [string, Omit<ListGuests, 'limit'>][] = [
    ['all', {}],
    ['a name', { name: 'web' }],
    ['a state', { state: 'running' }],
    ['a type', { type: 'vm' }],
    ['a type and a state', { type: 'vm', state: 'running' }],
    ['a host', { host: 'h1' }],
    ['a host, a type, a state, a tag and words', { host: 'h1', type: 'vm', state: 'running', tag: 'prod', search: 'w eb' }],
    ['a tag', { tag: 'prod' }],
    ['a tag and a state', { tag: 'prod', state: 'stopped' }],
    ['words', { search: 'web 10.86.' }],
    ['words, a tag, a type and a state', { search: 'web', tag: 'prod', type: 'vm', state: 'stopped' }],
  ];
  for (const [what, filter] of filters) {
    it(`by ${what} reads what it shows, in the order in which it lies`, async () => {
      for (const after of [undefined, '50']) {
        const plans = await client.plansOf(() => store.guests({ limit: 20, after, ...filter }));
        expect(plans).not.toEqual([]);
        // guest_count has a handful of rows for each host, and guests without a filter are those from a number on.
        const scans = plans.filter((detail) =>
          /^SCAN (?!guest_count|guest_search VIRTUAL|guest_index$|json_each)|TEMP B-TREE/.test(detail),
        );
        expect(scans).toEqual([]);
        expect(plans.filter((detail) => detail === 'SCAN guest_index')).toHaveLength(Object.keys(filter).length === 0 && !after ? 1 : 0);
      }
    });
  }

  it('knows its total without being counted, whatever happens to guests', async () => {
    const counts = async () => {
      const totals = [];
      for (const filter of [{}, { state: 'running' }, { type: 'container', state: 'stopped' }, { host: 'h1' }, { tag: 'a' }] as const) {
        totals.push((await store.guests({ limit: 1, ...filter })).total);
      }
      const { guests } = (await store.host(HOST_ID)) ?? {};
      const [candidate] = (await store.views.createGuest({ name: 'x' })).candidates;
      return [...totals, guests, (candidate?.promisedMemoryBytes ?? 0) / 2 ** 20];
    };
    expect(await counts()).toEqual([0, 0, 0, 0, 0, { total: 0, running: 0 }, 0]);
    await commit({ wishes: [guest(100, { tags: ['a', 'b'] }), guest(101, { tags: ['a'] }), guest(102, { power: 'running' })] });
    expect(await counts()).toEqual([3, 0, 0, 3, 2, { total: 3, running: 0 }, 512]);
    await commit({ observations: [seen(100, 'stopped'), seen(101, 'running'), seen(102, 'running')] });
    expect(await counts()).toEqual([3, 2, 1, 3, 2, { total: 3, running: 2 }, 512]);
    await commit({
      wishes: [guest(100, { tags: ['b'], power: 'running', memoryBytes: 2 ** 30 }, 2)],
      observations: [seen(101, 'stopped')],
    });
    expect(await counts()).toEqual([3, 1, 2, 3, 1, { total: 3, running: 1 }, 1_536]);
    await commit({
      removals: [
        { kind: 'guest', id: '100' },
        { kind: 'guest', id: '101' },
      ],
    });
    expect(await counts()).toEqual([1, 1, 0, 1, 0, { total: 1, running: 1 }, 512]);
    await commit({ removals: [{ kind: 'guest', id: '102' }] });
    expect(await counts()).toEqual([0, 0, 0, 0, 0, { total: 0, running: 0 }, 0]);
    for (const table of ['guest_count', 'guest_tag', 'guest_text']) {
      expect((await client.execute(`SELECT * FROM ${table}`)).rows).toEqual([]);
    }
  });

  it('takes words that databases have a meaning for as they are', async () => {
    await commit({ wishes: [guest(100)] });
    for (const search of [
      '\0guest',
      'gue\0st',
      '"',
      '"""',
      "'",
      '*',
      'NOT',
      '-guest',
      'guest*',
      '^guest',
      'words:guest',
      '( ) {',
      '\ud800ab',
      '😀😀😀',
    ]) {
      expect([search, (await store.guests({ limit: 1, search })).total]).toEqual([search, 0]);
    }
    expect((await store.guests({ limit: 1, search: 'GUEST-10 00' })).total).toBe(1);
  });
});

it('guests of a database that was written before are listed, found and counted as new ones are', async () => {
  const old = new LocalClient(':memory:', 0);
  await migrate(old, MIGRATIONS.slice(0, 1));
  await old.execute(
    `INSERT INTO guest_index VALUES (100, '${HOST_ID}', 'vm', 'web', 'running', 'running', 1024, ' prod eu ', 'web 100 prod eu', '10.86.0.9'),
      (101, '${HOST_ID}', 'vm', 'db', 'off', 'stopped', 1024, '', 'db 101', '')`,
  );
  await migrate(old);
  const rows = async (sql: string) => (await old.execute(sql)).rows.map((row) => [...(row as never)]);
  expect(await rows('SELECT * FROM guest_tag')).toEqual([
    ['eu', 100],
    ['prod', 100],
  ]);
  expect(await rows('SELECT host_id, guests, memory_bytes FROM guest_count')).toEqual([
    [HOST_ID, 1, 1024],
    [HOST_ID, 1, 1024],
  ]);
  expect(await rows(`SELECT rowid FROM guest_search WHERE guest_search MATCH '"86.0.9" AND "web"'`)).toEqual([[100]]);
  old.close();
});
