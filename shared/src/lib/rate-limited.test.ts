import { expect, test } from 'vitest';
import { rateLimited } from './rate-limited.ts';

function complaining() {
  const said: string[] = [];
  const clock = { nowMs: 0, now: () => clock.nowMs };
  return { said, clock, complain: rateLimited((line) => said.push(line), clock) };
}

test('a kind of line is said once a minute, and then how often it came', () => {
  const { said, clock, complain } = complaining();
  for (let time = 0; time < 5; time += 1) complain('a', 'bad');
  clock.nowMs = 60_000;
  complain('a', 'bad');
  expect(said).toEqual(['bad', 'bad (and 4 more like it)']);
});

test('who invents a new kind each time is said sixty times a minute, and counted', () => {
  const { said, clock, complain } = complaining();
  for (let kind = 0; kind < 100_000; kind += 1) complain(`${kind}`, 'bad');
  expect(said).toHaveLength(60);
  clock.nowMs = 60_000;
  complain('new', 'bad');
  expect(said.at(-1)).toBe('bad (and 99940 lines of other kinds were left out)');
});
