import { expect, it } from 'vitest';
import { createQueues } from './queues.ts';

it('what is waited for keeps nothing else waiting, and still has its queue to itself', async () => {
  const queues = createQueues();
  let end: () => void = () => {};
  const wait = new Promise<void>((resolve) => {
    end = resolve;
  });
  const waiting = Array.from({ length: 100 }, (_, index) => queues.exclusively(`guest/${index}`, () => wait));
  const done: string[] = [];
  const other = new Promise<void>((resolve) => queues.run('guest/200', 'pass', async () => resolve()));
  queues.run('guest/1', 'pass', async () => void done.push('pass'));
  await other;
  expect(done).toEqual([]);
  end();
  await Promise.all(waiting);
  await expect.poll(() => done).toEqual(['pass']);
});

it('no more than so many are under way at once', async () => {
  const queues = createQueues();
  let running = 0;
  let most = 0;
  const all = Array.from(
    { length: 100 },
    (_, index) =>
      new Promise<void>((resolve) =>
        queues.run(`guest/${index}`, 'pass', async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((next) => setImmediate(next));
          running -= 1;
          resolve();
        }),
      ),
  );
  await Promise.all(all);
  expect(most).toBe(24);
});
