import { expect, test } from 'vitest';
import { collectWhenIdle } from './idle-memory.ts';

test('an agent that idles lets go of what its busiest moment left', () => {
  let due = () => {};
  // Long enough that whatever this test uses of the processor counts as idling.
  let nowMs = 0;
  collectWhenIdle({
    now: () => nowMs,
    sleep: () => Promise.resolve(),
    after: (_ms, run) => {
      due = run;
      return () => {};
    },
  });
  const look = () => {
    nowMs += 3_600_000;
    due();
    return process.memoryUsage().heapUsed;
  };
  const floor = look();
  let busy: string[] | null = Array.from({ length: 400_000 }, (_, index) => `thing ${index}`);
  expect(process.memoryUsage().heapUsed - floor).toBeGreaterThan(8 * 2 ** 20);
  expect(busy).toHaveLength(400_000);
  busy = null;
  expect(look() - floor).toBeLessThan(4 * 2 ** 20);
});
