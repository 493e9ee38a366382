import { expect, it } from 'vitest';
import { openStore } from '../db/open.ts';
import { performer } from './perform.ts';

const nothing = { by: 'anna', atMs: 1 };

/** Begins decisions about these things, and tells which of them are at their load when all stand still. */
async function loadingAtOnce(abouts: readonly (string | undefined)[]): Promise<{ loading: number[]; finish: () => Promise<number[]> }> {
  const store = await openStore(':memory:', () => 1);
  const perform = performer(store, () => {});
  const loading: number[] = [];
  const ended: number[] = [];
  const open: (() => void)[] = [];
  const all = abouts.map((about, index) =>
    perform(
      () =>
        new Promise<void>((resolve) => {
          loading.push(index);
          open.push(resolve);
        }),
      () => ({ change: nothing, answer: index }),
      undefined,
      about,
    ).then(({ answer }) => ended.push(answer)),
  );
  await new Promise((resolve) => setImmediate(resolve));
  const finish = async () => {
    while (ended.length < abouts.length) {
      for (const go of open.splice(0)) go();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
    store.close();
    return ended;
  };
  return { loading: [...loading], finish };
}

it('decisions about different things go side by side; those about one thing, and those about anything, take turns', async () => {
  const apart = await loadingAtOnce(['100', '101', '102']);
  expect(apart.loading).toEqual([0, 1, 2]);
  expect(await apart.finish()).toEqual([0, 1, 2]);
  const together = await loadingAtOnce(['100', '100', undefined, undefined, '101']);
  expect(together.loading).toEqual([0, 2, 4]);
  expect((await together.finish()).sort()).toEqual([0, 1, 2, 3, 4]);
});
