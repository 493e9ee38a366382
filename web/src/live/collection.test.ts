import { expect, it } from 'vitest';
import { createManualClock } from '../../../test/control-plane/manual-clock.ts';
import { createCollection, type Query } from './collection.ts';

interface Thing {
  readonly id: string;
  readonly value: number;
}

/** A server whose answers wait until the test lets them go, so that every order of arrival can be had. */
function world(things: Thing[] = []) {
  const clock = createManualClock();
  const stored = new Map(things.map((thing) => [thing.id, thing]));
  const requests: string[] = [];
  const held: (() => void)[] = [];
  let isHeld = false;
  const answer = <T>(request: string, read: () => T): Promise<T> => {
    requests.push(request);
    // Read when asked, delivered when let go: as a slow network does it.
    let value: T;
    try {
      value = read();
    } catch (error) {
      return Promise.reject(error);
    }
    return isHeld ? new Promise((resolve) => held.push(() => resolve(value))) : Promise.resolve(value);
  };
  const ids = (query: Query): string[] =>
    [...stored.values()].filter((thing) => query.least === undefined || thing.value >= Number(query.least)).map(({ id }) => id);
  const collection = createCollection<Thing>(
    {
      idOf: (thing) => thing.id,
      one: (id) => answer(`one ${id}`, () => stored.get(id) ?? null),
      page: (query, after, limit) =>
        answer(`list ${query.least ?? 'all'} ${after ?? 'start'} ${limit}`, () => {
          const all = ids(query);
          const from = after === null ? 0 : Number(after);
          const items = all.slice(from, from + limit).flatMap((id) => stored.get(id) ?? []);
          return { items, next: from + limit < all.length ? String(from + limit) : null, total: all.length };
        }),
      matches: (query, thing) => query.least === undefined || thing.value >= Number(query.least),
    },
    clock,
  );
  return {
    clock,
    collection,
    requests,
    set: (id: string, value: number) => stored.set(id, { id, value }),
    drop: (id: string) => stored.delete(id),
    hold: () => {
      isHeld = true;
    },
    release: async () => {
      isHeld = false;
      for (const deliver of held.splice(0)) deliver();
      await settled();
    },
    said: () => requests.splice(0),
    async tell(id: string, gone = false) {
      collection.change(id, gone);
      clock.advance(500);
      await settled();
    },
  };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};
const nothing = (): void => {};
const many = (count: number): Thing[] => Array.from({ length: count }, (_, index) => ({ id: `t${index}`, value: index }));

it('a change is fetched once, and only the thing that changed', async () => {
  const { collection, set, said, tell } = world(many(3));
  collection.watchList({}, nothing);
  collection.watchOne('t1', nothing);
  await settled();
  expect(said()).toEqual(['list all start 100', 'one t1']);
  set('t1', 50);
  await tell('t1');
  expect(said()).toEqual(['one t1']);
  expect(collection.getOne('t1').view).toEqual({ id: 't1', value: 50 });
});

it('a row that comes with its list is not fetched again by itself', async () => {
  const { collection, said } = world(many(3));
  collection.watchList({}, nothing);
  await settled();
  collection.watchOne('t2', nothing);
  await settled();
  expect(said()).toEqual(['list all start 100']);
});

it('many changes of one thing while it is being fetched cost one request more', async () => {
  const { collection, set, said, tell, hold, release } = world(many(1));
  collection.watchOne('t0', nothing);
  await settled();
  said();
  hold();
  for (let value = 1; value <= 5; value += 1) {
    set('t0', value);
    await tell('t0');
  }
  expect(said()).toEqual(['one t0']);
  await release();
  expect(said()).toEqual(['one t0']);
  expect(collection.getOne('t0').view?.value).toBe(5);
});

it('an answer older than what is shown is dropped', async () => {
  const { collection, set, hold, release, tell } = world(many(1));
  collection.watchOne('t0', nothing);
  await settled();
  hold();
  await tell('t0');
  const asked = collection.ask();
  set('t0', 7);
  collection.put(asked, { id: 't0', value: 7 });
  await release();
  expect(collection.getOne('t0').view?.value).toBe(7);
});

it('the answer to a write never hides what was fetched after the write was sent', async () => {
  const { collection, set, tell } = world(many(1));
  collection.watchOne('t0', nothing);
  await settled();
  const asked = collection.ask();
  set('t0', 2);
  await tell('t0');
  collection.put(asked, { id: 't0', value: 1 });
  expect(collection.getOne('t0').view?.value).toBe(2);
});

it('a change during a list request is not lost in its answer', async () => {
  const { collection, set, hold, release, tell } = world(many(2));
  collection.watchList({}, nothing);
  await settled();
  hold();
  collection.reset();
  set('t0', 9);
  await tell('t0');
  await release();
  collection.watchOne('t0', nothing);
  await settled();
  expect(collection.getOne('t0').view?.value).toBe(9);
});

it('something new is fetched, and then the list that it belongs to', async () => {
  const { collection, set, said, tell } = world(many(2));
  collection.watchList({}, nothing);
  await settled();
  said();
  set('new', 1);
  await tell('new');
  expect(said()).toEqual(['one new', 'list all start 100']);
  expect(collection.getList({}).ids).toEqual(['t0', 't1', 'new']);
  expect(collection.getList({}).total).toBe(3);
});

it('a thing leaves a filtered list when it fits no more', async () => {
  const { collection, set, tell } = world(many(4));
  const query = { least: '2' };
  collection.watchList(query, nothing);
  await settled();
  expect(collection.getList(query).ids).toEqual(['t2', 't3']);
  set('t2', 0);
  await tell('t2');
  expect(collection.getList(query).ids).toEqual(['t3']);
});

it('something new that no list holds costs no list request', async () => {
  const { collection, set, said, tell } = world(many(4));
  collection.watchList({ least: '2' }, nothing);
  await settled();
  said();
  set('small', 1);
  await tell('small');
  expect(said()).toEqual(['one small']);
});

it('what is gone leaves at once, without a request', async () => {
  const { collection, drop, said, tell } = world(many(3));
  collection.watchList({}, nothing);
  await settled();
  said();
  drop('t1');
  await tell('t1', true);
  expect(said()).toEqual([]);
  expect(collection.getList({})).toMatchObject({ ids: ['t0', 't2'], total: 2 });
  expect(collection.getOne('t1')).toMatchObject({ view: null, missing: true });
});

it('a storm of changes fetches the list again instead of each thing', async () => {
  const { collection, clock, said, set } = world(many(50));
  collection.watchList({}, nothing);
  for (let index = 0; index < 50; index += 1) collection.watchOne(`t${index}`, nothing);
  await settled();
  said();
  for (let index = 0; index < 50; index += 1) {
    set(`t${index}`, 1_000 + index);
    collection.change(`t${index}`, false);
  }
  clock.advance(60);
  await settled();
  expect(said()).toEqual(['list all start 100']);
  expect(collection.getOne('t49').view?.value).toBe(1_049);
});

it('a row out of sight is fetched when it is looked at, not before', async () => {
  const { collection, set, said, tell } = world(many(3));
  collection.watchList({}, nothing);
  await settled();
  said();
  set('t2', 5);
  await tell('t2');
  expect(said()).toEqual([]);
  collection.watchOne('t2', nothing);
  await settled();
  expect(said()).toEqual(['one t2']);
});

it('what nobody looks at is not fetched, and is fresh when somebody looks again', async () => {
  const { collection, set, said, tell } = world(many(2));
  const stopList = collection.watchList({}, nothing);
  const stopOne = collection.watchOne('t0', nothing);
  await settled();
  stopList();
  stopOne();
  said();
  set('t0', 3);
  await tell('t0');
  expect(said()).toEqual([]);
  collection.watchList({}, nothing);
  await settled();
  expect(said()).toEqual(['list all start 100']);
  expect(collection.getOne('t0').view?.value).toBe(3);
});

it('a list that grew under the thumb keeps its length when it is fetched again', async () => {
  const { collection, said } = world(many(450));
  collection.watchList({}, nothing);
  await settled();
  await collection.loadMore({});
  expect(collection.getList({}).ids).toHaveLength(300);
  said();
  collection.reset();
  await settled();
  expect(said()).toEqual(['list all start 300']);
  expect(collection.getList({})).toMatchObject({ total: 450, hasMore: true });
  expect(collection.getList({}).ids).toHaveLength(300);
});

/** A server that is away until it is said to be back. */
function faultyWorld() {
  const { clock } = world();
  const server = { isUp: true };
  const answer = <T>(value: T): Promise<T> => (server.isUp ? Promise.resolve(value) : Promise.reject(new Error('network')));
  const collection = createCollection<Thing>(
    {
      idOf: ({ id }) => id,
      one: (id) => answer({ id, value: 1 }),
      page: () => answer({ items: [{ id: 't1', value: 2 }], next: null, total: 1 }),
      matches: () => true,
    },
    clock,
  );
  return { clock, collection, server };
}

it('the rest of a long list that cannot be had is not asked for on and on, and comes when it can', async () => {
  const { clock } = world();
  let isUp = true;
  const all = many(250);
  const collection = createCollection<Thing>(
    {
      idOf: ({ id }) => id,
      one: async () => null,
      page: async (_query, after, limit) => {
        if (!isUp) throw new Error('network');
        const from = Number(after ?? 0);
        return { items: all.slice(from, from + limit), next: from + limit < 250 ? String(from + limit) : null, total: 250 };
      },
      matches: () => true,
    },
    clock,
  );
  collection.watchList({}, nothing);
  await settled();
  isUp = false;
  await collection.loadMore({});
  // The page asks for more of a list that is ready, and of no other.
  expect(collection.getList({})).toMatchObject({ state: 'failed', hasMore: true });
  expect(collection.getList({}).ids).toHaveLength(100);
  isUp = true;
  collection.recover();
  await settled();
  await collection.loadMore({});
  expect(collection.getList({})).toMatchObject({ state: 'ready', hasMore: false });
  expect(collection.getList({}).ids).toHaveLength(250);
});

it('a request that fails leaves what was known and says so', async () => {
  const { clock, collection, server } = faultyWorld();
  collection.watchOne('t0', nothing);
  await settled();
  server.isUp = false;
  collection.change('t0', false);
  clock.advance(60);
  await settled();
  expect(collection.getOne('t0')).toEqual({ view: { id: 't0', value: 1 }, missing: false, failed: true, problem: null });
  server.isUp = true;
  collection.reset();
  await settled();
  expect(collection.getOne('t0')).toMatchObject({ failed: false });
});

it('what could not be fetched is fetched when it is worth another attempt, and nothing else is', async () => {
  const { collection, server } = faultyWorld();
  server.isUp = false;
  collection.watchOne('t0', nothing);
  collection.watchList({}, nothing);
  const leave = collection.watchOne('t9', nothing);
  await settled();
  expect(collection.getOne('t0')).toMatchObject({ view: null, failed: true });
  expect(collection.getList({})).toMatchObject({ state: 'failed' });
  leave();
  server.isUp = true;
  collection.recover();
  await settled();
  expect(collection.getOne('t0')).toMatchObject({ view: { id: 't0', value: 1 }, failed: false });
  expect(collection.getList({})).toMatchObject({ state: 'ready', ids: ['t1'] });
  expect(collection.getOne('t9').view).toBeNull();
});
