import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type BootGuest, bootTurn, endingGroups, STUCK_MS } from './boot-order.ts';

const NOW_MS = 1_000_000;

const guest = (name: string, startOrder: number | null, more: Partial<BootGuest> = {}): BootGuest => ({
  id: name,
  name,
  startOrder,
  startDelayS: 0,
  standing: 'waiting',
  startedAtMs: null,
  stuckSinceMs: null,
  ...more,
});
const running = (agoMs: number, startDelayS = 0) => ({ standing: 'running', startedAtMs: NOW_MS - agoMs, startDelayS }) as const;

describe('a guest at boot', () => {
  const own = guest('web', 2);
  test.each([
    ['starts when nobody is before it', [own], null],
    ['waits for who is before it', [guest('db', 1)], { for: 'its turn at boot, after db', untilMs: null }],
    ['waits for who has not been looked at', [guest('db', 1, { standing: 'unknown' })], { for: 'its turn at boot, after db' }],
    [
      'waits for all of them, in their order',
      [guest('b', 1), guest('a', 0), guest('c', 1)],
      { for: 'its turn at boot, after a, b and 1 more' },
    ],
    ['starts with those of its own order', [guest('peer', 2)], null],
    ['does not wait for those after it', [guest('later', 3), guest('last', null)], null],
    [
      'waits for the delay of one that runs',
      [guest('db', 1, running(4_000, 10))],
      { for: 'its turn at boot, 10 s after db', untilMs: NOW_MS + 6_000 },
    ],
    ['waits for the longest of them', [guest('a', 0, running(1_000, 10)), guest('b', 1, running(1_000, 20))], { untilMs: NOW_MS + 19_000 }],
    ['and not after it', [guest('db', 1, running(10_000, 10))], null],
    ['nor when the clock was set back since', [guest('db', 1, running(-900_000, 10))], null],
    ['does not wait for one that is out', [guest('db', 1, { standing: 'out' })], null],
    ['waits a while for one that is stuck', [guest('db', 1, { stuckSinceMs: NOW_MS - 1_000 })], { untilMs: NOW_MS - 1_000 + STUCK_MS }],
    ['and no longer', [guest('db', 1, { stuckSinceMs: NOW_MS - STUCK_MS })], null],
  ] as const)('%s', (_name, guests, turn) => {
    const found = bootTurn(own, [own, ...guests], NOW_MS);
    if (turn === null) expect(found).toBeNull();
    else expect(found).toMatchObject({ do: 'wait', on: null, ...turn });
  });

  it('without an order comes after all that have one', () => {
    expect(bootTurn(guest('other', null), [guest('db', 9_999)], NOW_MS)).toMatchObject({ for: 'its turn at boot, after db' });
    expect(bootTurn(guest('other', null), [guest('another', null)], NOW_MS)).toBeNull();
  });
});

const anyGuest = fc.record({
  id: fc.uuid(),
  name: fc.constantFrom('a', 'b', 'c'),
  startOrder: fc.option(fc.integer({ min: 0, max: 3 })),
  startDelayS: fc.integer({ min: 0, max: 60 }),
  standing: fc.constantFrom('unknown', 'waiting', 'running', 'out'),
  startedAtMs: fc.option(fc.integer({ min: NOW_MS - 100_000, max: NOW_MS + 100_000 })),
  stuckSinceMs: fc.constant(null),
}) satisfies fc.Arbitrary<BootGuest>;

describe('whatever there is on a host', () => {
  it('somebody may always start, or time alone makes it so', () => {
    fc.assert(
      fc.property(fc.array(anyGuest, { minLength: 1 }), (guests) => {
        const left = guests.filter(({ standing }) => standing === 'waiting' || standing === 'unknown');
        const turns = left.map((own) => bootTurn(own, guests, NOW_MS));
        expect(left.length === 0 || turns.some((turn) => turn === null || (turn.do === 'wait' && turn.untilMs !== null))).toBe(true);
      }),
    );
  });

  it('all start in the end, each after all of lower order and their delays', () => {
    fc.assert(
      fc.property(fc.array(anyGuest, { maxLength: 8 }), (given) => {
        let guests: BootGuest[] = given.map((each, index) => ({ ...each, id: String(index), standing: 'waiting', startedAtMs: null }));
        const startedAtMs = new Map<string, number>();
        // Every guest's delay may have to pass.
        for (let nowMs = NOW_MS; nowMs <= NOW_MS + 600_000; nowMs += 1_000) {
          const due = guests.filter((own) => own.standing === 'waiting' && bootTurn(own, guests, nowMs) === null);
          for (const { id } of due) startedAtMs.set(id, nowMs);
          guests = guests.map((each) => (due.includes(each) ? { ...each, standing: 'running', startedAtMs: nowMs } : each));
        }
        expect(startedAtMs.size).toBe(guests.length);
        const orderOf = (each: BootGuest) => each.startOrder ?? Number.POSITIVE_INFINITY;
        for (const earlier of guests)
          for (const later of guests)
            if (orderOf(earlier) < orderOf(later))
              expect((startedAtMs.get(later.id) ?? 0) - (startedAtMs.get(earlier.id) ?? 0)).toBeGreaterThanOrEqual(
                earlier.startDelayS * 1_000,
              );
      }),
      { numRuns: 50 },
    );
  });

  it('is ended the other way round', () => {
    const groups = endingGroups([guest('db', 1), guest('web', 2), guest('proxy', 2), guest('other', null)]);
    expect(groups.map((group) => group.map(({ name }) => name))).toEqual([['other'], ['web', 'proxy'], ['db']]);
  });
});
