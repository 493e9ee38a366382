import { HostId } from '@drover/shared/model/id';
import { beforeEach, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../../test/control-plane/manual-clock.ts';
import { type Admission, createAdmission } from './admission.ts';

const hostOf = (index: number): HostId => HostId.parse(`host_${String(index).padStart(20, '0')}`);
let clock: ManualClock;
let door: Admission;

beforeEach(() => {
  clock = createManualClock();
  door = createAdmission(clock, { fraction: () => 0.5 });
});

/** Those who were let in, of as many as come now. */
function come(from: number, to: number): HostId[] {
  return Array.from({ length: to - from }, (_, index) => hostOf(from + index)).filter((hostId) => {
    if (door.secondsToWait(hostId) !== null) return false;
    door.enter(hostId);
    return true;
  });
}

it('lets few in at a time, and the next when one of them has arrived', () => {
  expect(come(0, 1_000)).toEqual(come(0, 50));
  expect(door.secondsToWait(hostOf(999))).not.toBeNull();
  door.arrived(hostOf(7));
  expect(come(900, 1_000)).toEqual([hostOf(900)]);
});

it('who asks again on its way in, because the answer was lost, is not sent away', () => {
  come(0, 1_000);
  expect(door.secondsToWait(hostOf(49))).toBeNull();
});

it('does not keep the place of one that never comes for ever', () => {
  come(0, 50);
  clock.advance(15_000);
  expect(come(50, 200)).toHaveLength(50);
});

it('sends each away for longer the more there are and the slower they come in, and never for longer than a minute', () => {
  come(0, 50);
  expect(door.secondsToWait(hostOf(100))).toBe(1);
  for (let index = 0; index < 2_000; index++) door.secondsToWait(hostOf(1_000 + index));
  expect(door.secondsToWait(hostOf(3_000))).toBe(11);
  for (let index = 0; index < 100_000; index++) door.secondsToWait(hostOf(4_000 + index));
  expect(door.secondsToWait(hostOf(500_000))).toBe(30);
});

it('learns how fast they can come in, however slowly they do', () => {
  for (let index = 0; index < 30; index++) {
    clock.advance(10_000);
    door.enter(hostOf(index));
    clock.advance(50);
    door.arrived(hostOf(index));
  }
  come(100, 150);
  for (let index = 0; index < 19_999; index++) door.secondsToWait(hostOf(1_000 + index));
  expect(door.secondsToWait(hostOf(30_000))).toBe(10);
});
