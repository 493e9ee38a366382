import { realRandom } from '@drover/shared/lib/random';
import { newId } from '@drover/shared/model/id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotedClient } from '../../../test/control-plane/asked.ts';
import { aTask } from '../../../test/control-plane/held.ts';
import { storeOn } from './open.ts';
import type { Store } from './store.ts';

let client: NotedClient;
let store: Store;
beforeEach(async () => {
  client = new NotedClient();
  store = await storeOn(client, () => 1);
  const tasks = (['100', '101', 'image_iiiiiiii'] as const).flatMap((id) =>
    [null, 5].map((finishedAtMs, index) =>
      aTask({
        id: newId('task', realRandom),
        target: { kind: id.startsWith('image') ? 'image' : 'guest', id },
        targetName: id === '101' ? 'db' : 'web',
        createdAtMs: index,
        finishedAtMs,
      }),
    ),
  );
  await store.commit({ by: 'anna', atMs: 1, newTasks: tasks });
});
afterEach(() => store.close());

describe('a list of tasks', () => {
  const filters = [
    [{}, 6],
    [{ state: 'active' }, 3],
    [{ state: 'finished' }, 3],
    [{ kind: 'image' }, 2],
    [{ kind: 'image', state: 'active' }, 1],
    [{ target: '100' }, 2],
    [{ target: 'web' }, 4],
    [{ target: 'web', kind: 'guest' }, 2],
    [{ target: 'image_iiiiiiii' }, 2],
    [{ target: '101', kind: 'guest', state: 'finished' }, 1],
    [{ target: 'nothing' }, 0],
  ] as const;
  for (const [filter, total] of filters) {
    it(`by ${JSON.stringify(filter)} holds what was asked for, and reads no more`, async () => {
      const { items } = await store.tasks({ limit: 20, ...filter });
      expect([items.length, (await store.tasks({ limit: 1, ...filter })).total]).toEqual([total, total]);
      for (const after of [undefined, '5/task_oooooooooooooooooooo']) {
        const plans = await client.plansOf(() => store.tasks({ limit: 20, after, ...filter }));
        expect(plans.filter((detail) => /^SCAN \w+$|TEMP B-TREE/.test(detail))).toEqual([]);
        // One of a few is not looked for among all.
        if ('target' in filter || 'kind' in filter)
          expect(plans.filter((detail) => /^SCAN task|task_(newest|finished)/.test(detail))).toEqual([]);
      }
    });
  }

  it('of a guest is what decisions about it ask for, too', async () => {
    expect(await client.plansOf(() => store.views.onGuest('100').catch(() => null))).not.toContain('SCAN task');
  });
});
