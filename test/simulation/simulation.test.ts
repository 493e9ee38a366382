import { expect, it } from 'vitest';
import { runWorld } from './world.ts';

it('the same seed tells the same story, line by line, and another seed another', async () => {
  const tell = async (seed: string) => {
    const lines: string[] = [];
    const { storyHash } = await runWorld({ seed, tell: (line) => lines.push(line) });
    return { storyHash, lines };
  };
  const [first, second, other] = [await tell('24'), await tell('24'), await tell('25')];
  expect(second.lines).toEqual(first.lines);
  expect(second.storyHash).toBe(first.storyHash);
  expect(first.lines.length).toBeGreaterThan(50);
  expect(other.storyHash).not.toBe(first.storyHash);
});

it('a deed that is left out leaves the others what they were', async () => {
  const whole = await runWorld({ seed: '24' });
  const without = new Set(whole.deeds.slice(0, 10));
  const { deeds, violation } = await runWorld({ seed: '24', only: without });
  expect(deeds).toEqual([...without]);
  expect(violation).toBeNull();
});
