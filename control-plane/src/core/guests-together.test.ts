import { expect, it } from 'vitest';
import { aGuest, anAsk, NOW_MS, onGuest } from '../../../test/control-plane/held.ts';
import { setPowers } from './guests-together.ts';

it('a change that comes to nothing still says who asked and when: what is kept of the request is as old as the request', () => {
  const nobody = { asked: 'nobody', view: null, isRefused: false, ask: anAsk() };
  const dying = { asked: '100', view: onGuest(aGuest({ deletion: { requestedAtMs: 1, destroys: [] } })), isRefused: false, ask: anAsk() };
  const { change, answer } = setPowers([nobody, dying], 'running', anAsk());
  expect(change).toMatchObject({ by: 'anna', atMs: NOW_MS, wishes: [], newTasks: [] });
  expect(answer.map(({ problem }) => problem?.code)).toEqual(['not-found', 'gone']);
});
