import { expect, it } from 'vitest';
import { hostEditOf, hostFormOf } from './host-changes.ts';

const settings = {
  tags: ['edge', 'eu'],
  notes: 'loud',
  location: 'rack 4',
  startDelayS: 0,
  maintenance: false,
  condition: null,
  problem: null,
};
const base = hostFormOf({ name: 'fra-1', settings });

it('what was not changed is not sent', () => {
  expect(hostEditOf(base, { ...base })).toEqual({ edit: {}, faults: {} });
  expect(hostEditOf(base, { ...base, tags: 'edge, eu  big', location: ' ', startDelay: ' 30 ', maintenance: true })).toEqual({
    edit: { tags: ['edge', 'eu', 'big'], location: '', startDelayS: 30, maintenance: true },
    faults: {},
  });
});

it('a delay that is no number is named', () => {
  expect(hostEditOf(base, { ...base, startDelay: 'soon', name: 'fra-2' })).toEqual({
    edit: { name: 'fra-2' },
    faults: { startDelayS: expect.stringContaining('number') },
  });
});
