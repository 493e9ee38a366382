import { expect, it } from 'vitest';
import { createManualClock } from '../../../test/control-plane/manual-clock.ts';
import { createThrottle } from './throttle.ts';

const OPTIONS = { free: 3, firstMs: 1_000, maxMs: 8_000, forgetMs: 60_000, keysMax: 3 };

function world() {
  const clock = createManualClock();
  return { clock, throttle: createThrottle(clock, OPTIONS) };
}

it('each failure after the free ones costs twice the last, up to a bound', () => {
  const { throttle } = world();
  const waits = Array.from({ length: 8 }, () => {
    throttle.begin('anna');
    return throttle.waitMs('anna');
  });
  expect(waits).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  expect(throttle.waitMs('ben')).toBe(0);
});

it('a wait ends, and a success or a quiet time ends the memory of it', () => {
  const { clock, throttle } = world();
  for (let attempt = 0; attempt < 4; attempt += 1) throttle.begin('anna');
  clock.advance(2_000);
  expect(throttle.waitMs('anna')).toBe(0);
  throttle.begin('anna');
  expect(throttle.waitMs('anna')).toBe(4_000);
  throttle.succeeded('anna');
  throttle.begin('anna');
  expect(throttle.waitMs('anna')).toBe(0);
  for (let attempt = 0; attempt < 9; attempt += 1) throttle.begin('anna');
  clock.advance(60_000);
  throttle.begin('anna');
  expect(throttle.waitMs('anna')).toBe(0);
});

it('a clock that is set back makes nobody wait for as long as it was wrong', () => {
  const { clock, throttle } = world();
  for (let attempt = 0; attempt < 9; attempt += 1) throttle.begin('anna');
  clock.set(clock.now() - 86_400_000);
  expect(throttle.waitMs('anna')).toBe(0);
});

it('remembers a bounded number of keys, and forgets the quietest', () => {
  const { clock, throttle } = world();
  for (let attempt = 0; attempt < 5; attempt += 1) throttle.begin('anna');
  for (const key of ['ben', 'cleo']) throttle.begin(key);
  throttle.begin('anna');
  throttle.begin('dora');
  expect(throttle.waitMs('anna')).toBe(8_000);
  for (const key of ['e', 'f', 'g']) throttle.begin(key);
  expect(throttle.waitMs('anna')).toBe(0);
  expect(clock.now()).toBeGreaterThan(0);
});

it('an attempt that is taken back cost nothing', () => {
  const { clock, throttle } = world();
  for (let attempt = 0; attempt < 4; attempt += 1) throttle.begin('anna');
  clock.advance(2_000);
  throttle.begin('anna')();
  expect(throttle.waitMs('anna')).toBe(0);
  throttle.begin('anna');
  expect(throttle.waitMs('anna')).toBe(4_000);
});
