import { HostId } from '@drover/shared/model/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aGuest, aHost, aTask, HOST_ID } from '../../../test/control-plane/held.ts';
import type { WishWrite } from '../core/change.ts';
import { gathered } from './gathered.ts';
import { LocalClient } from './local-client.ts';
import { laterThisTurn, storeOn } from './open.ts';
import type { Store } from './store.ts';

it('what is asked in one turn of the event loop is asked once, and answered in order', async () => {
  const asked: number[][] = [];
  const double = gathered(async (keys: readonly number[]) => {
    asked.push([...keys]);
    return keys.map((key) => key * 2);
  }, laterThisTurn);
  expect(await Promise.all([double(1), double(2), double(2)])).toEqual([2, 4, 4]);
  expect(await double(3)).toBe(6);
  expect(asked).toEqual([[1, 2, 2], [3]]);
});

it('one that cannot be answered fails alone', async () => {
  const ask = gathered(async (keys: readonly number[]) => {
    if (keys.includes(13)) throw new Error('unlucky');
    return keys;
  }, laterThisTurn);
  const settled = await Promise.allSettled([ask(1), ask(13), ask(2)]);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

it('without a turn to wait for, each is asked at once', async () => {
  const sizes: number[] = [];
  const ask = gathered(async (keys: readonly number[]) => {
    sizes.push(keys.length);
    return keys;
  }, null);
  expect(await Promise.all([ask(1), ask(2)])).toEqual([1, 2]);
  expect(sizes).toEqual([1, 1]);
});

describe('a store that is asked by many hosts at once', () => {
  const OTHER = HostId.parse('host_0000000000000000000b');
  let store: Store;
  beforeAll(async () => {
    store = await storeOn(new LocalClient(':memory:', 0), () => 1, laterThisTurn);
    const wish = (id: string, hostId: HostId): WishWrite => {
      const { kind, generation, spec, deletion } = aGuest();
      return { kind, id, hostId, generation, spec: { ...spec, name: `guest-${id}` }, deletion };
    };
    const wishes = [wish('100', HOST_ID), wish('101', OTHER), wish('102', OTHER)];
    const hosts = [HOST_ID, OTHER].map((id) => ({ id, connected: true }));
    const newHosts = [aHost(), aHost({ id: OTHER, name: 'h2', publicKey: { kty: 'OKP', crv: 'Ed25519', x: 'B'.repeat(43) } })];
    const outcome = await store.commit({
      by: 'anna',
      atMs: 1,
      newHosts,
      wishes,
      newTasks: [aTask({ hostId: OTHER, target: { kind: 'guest', id: '102' } })],
    });
    expect(outcome).toEqual({ committed: true });
    await store.commit({ by: 'anna', atMs: 1, hosts });
  });
  afterAll(() => store.close());

  it('shows each its own alone, whatever it speaks of, with its unfinished tasks and what they are about', async () => {
    const refs = (...ids: string[]) => ids.map((id) => ({ kind: 'guest' as const, id }));
    const views = await Promise.all([
      store.views.onReport(HOST_ID, refs('100', '101')),
      store.views.onReport(OTHER, refs('101', '100')),
      store.views.onReport(HostId.parse('host_00000000000000000000'), refs('100')),
    ]);
    const seen = views.map((view) => view && [view.host.id, view.resources.map(({ id }) => id).sort(), view.tasks.length]);
    expect(seen).toEqual([[HOST_ID, ['100'], 0], [OTHER, ['101', '102'], 1], null]);
  });

  it('gives each what is pending for it', async () => {
    const pending = await Promise.all([store.pending(OTHER), store.pending(HOST_ID), store.pending(OTHER)]);
    expect(pending.map((each) => each?.resources.map(({ id }) => id))).toEqual([['101', '102'], ['100'], ['101', '102']]);
  });
});
