import { expect, test } from 'vitest';
import { createReplays } from './replays.ts';

test('what was sent over this connection is taken in any order', () => {
  const replays = createReplays(0);
  replays.connected();
  for (const counter of [5, 3, 4]) {
    expect(replays.isReplay(counter)).toBe(false);
    replays.taken(counter);
  }
  expect(replays.newest()).toBe(5);
});

test('what was sent before the newest command of an earlier connection is never taken again, also by an agent that was started anew', () => {
  const replays = createReplays(5);
  expect([4, 5, 6].map(replays.isReplay)).toEqual([true, true, false]);
  replays.taken(9);
  replays.taken(7);
  expect(replays.isReplay(8)).toBe(false);
  replays.connected();
  expect([8, 9, 10].map(replays.isReplay)).toEqual([true, true, false]);
});
