import { expect, it } from 'vitest';
import { guestMatches, taskMatches } from './matches.ts';

// Only the members that the filters look at.
type Guest = Parameters<typeof guestMatches>[1];
type Task = Parameters<typeof taskMatches>[1];
const host = { id: 'host_aaaaaaaaaa', name: 'attic' } as Guest['host'];
const guest: Guest = { id: 107, name: 'web', tags: ['prod'], addresses: ['10.77.0.9'], host, type: 'vm', observedPower: 'running' };
const task: Task = { state: 'running', target: { kind: 'guest', id: '107' } };

it.each([
  [{}, true],
  [{ search: 'WEB' }, true],
  [{ search: '107' }, true],
  [{ search: 'prod 10.77' }, true],
  [{ search: 'prod 10.78' }, false],
  [{ host: 'attic' }, true],
  [{ host: 'cellar' }, false],
  [{ type: 'container' }, false],
  [{ state: 'running', search: 'web' }, true],
  [{ state: 'stopped' }, false],
])('a guest fits the filters %j: %s', (query, fits) => {
  expect(guestMatches(query, guest)).toBe(fits);
});

it.each([
  [{}, true],
  [{ state: 'active' }, true],
  [{ state: 'finished' }, false],
  [{ kind: 'guest', target: '107' }, true],
  [{ kind: 'guest', target: '108' }, false],
])('a task fits the filters %j: %s', (query, fits) => {
  expect(taskMatches(query, task)).toBe(fits);
});
