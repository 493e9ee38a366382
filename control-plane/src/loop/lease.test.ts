import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openStore } from '../db/open.ts';
import { createLease, LEASE_MS, LEASE_WAIT_MS } from './lease.ts';

it('is held by one at a time, whoever stands still for how long and whatever their clocks say', async () => {
  const step = fc.record({ who: fc.nat(2), afterMs: fc.nat(3_000), freezes: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 80 }),
      fc.array(fc.nat(10 ** 9), { minLength: 3, maxLength: 3 }),
      async (steps, offsets) => {
        const store = await openStore(':memory:', () => 0);
        let nowMs = 0;
        const leases = offsets.map((offset, index) => createLease(store.cells, 'cell eu', `p${index}`, { now: () => nowMs + offset }));
        for (const { who, afterMs, freezes } of steps) {
          nowMs += afterMs;
          if (!freezes) await leases[who]?.step();
          expect(leases.filter((lease) => lease.isHeld()).length).toBeLessThanOrEqual(1);
        }
        store.close();
      },
    ),
    { numRuns: 60 },
  );
});

it('goes to another within seconds once its holder is gone, and at once when it was given back', async () => {
  const store = await openStore(':memory:', () => 0);
  let nowMs = 0;
  const clock = { now: () => nowMs };
  const [a, b] = ['a', 'b'].map((name) => createLease(store.cells, 'cell eu', name, clock));
  if (!a || !b) throw new Error('two of them');
  await a.step();
  await b.step();
  expect([a.isHeld(), b.isHeld()]).toEqual([true, false]);
  for (const end = LEASE_WAIT_MS - 1_000; nowMs < end; nowMs += 1_000) await b.step();
  await b.step();
  expect([a.isHeld(), b.isHeld()]).toEqual([nowMs < LEASE_MS, false]);
  nowMs = LEASE_WAIT_MS;
  await b.step();
  expect([a.isHeld(), b.isHeld()]).toEqual([false, true]);
  // The first one wakes up again.
  await a.step();
  expect(a.isHeld()).toBe(false);
  await b.release();
  await a.step();
  expect(a.isHeld()).toBe(true);
  store.close();
});
