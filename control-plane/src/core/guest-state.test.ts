import type { GuestStatus } from '@drover/shared/model/guest';
import type { ResourceStatus } from '@drover/shared/model/resource';
import { describe, expect, it } from 'vitest';
import { AWAY_MS, guestState, type StateInput } from './guest-state.ts';

const NOW = 1_000_000;

interface Case {
  readonly wish?: 'running' | 'shutdown' | 'off';
  readonly generation?: number;
  readonly applied?: number;
  readonly deleting?: boolean;
  readonly status?: Partial<ResourceStatus> | null;
  readonly observed?: Partial<GuestStatus> | null;
  readonly connected?: boolean;
  readonly silentMs?: number | null;
}

function stateOf(given: Case) {
  const { wish = 'running', generation = 1, applied = 1, deleting = false, status = {}, observed = {} } = given;
  const input: StateInput = {
    guest: {
      // Only `power` of the spec matters here.
      spec: { power: wish } as StateInput['guest']['spec'],
      generation,
      appliedGeneration: applied,
      deletion: deleting ? { requestedAtMs: 0, destroys: [] } : null,
      status: status && {
        kind: 'guest',
        id: '100',
        acked: generation,
        applied,
        condition: 'settled',
        gone: false,
        observed: {},
        ...status,
      },
    },
    observed: observed && {
      power: 'stopped',
      addresses: [],
      startedAtMs: null,
      end: null,
      endedAtMs: null,
      crashes: 0,
      needsRestart: [],
      ...observed,
    },
    host: { name: 'h1', connected: given.connected ?? true, heardAtMs: given.silentMs === null ? null : NOW - (given.silentMs ?? 0) },
    nowMs: NOW,
  };
  const { state, reason } = guestState(input);
  return [state, reason];
}

const problem = { code: 'host-failed', status: 502, title: 'host failed', detail: 'no space left', retryable: true } as const;
const RUNS = { power: 'running' } as const;

const CASES: readonly [string, Case, [string, string | null]][] = [
  ['stopped on its host', { observed: { local: { power: 'off', atMs: 1 } } }, ['stopped', 'stopped on its host, by hand']],
  [
    'started on its host',
    { wish: 'off', observed: { ...RUNS, local: { power: 'running', atMs: 1 } } },
    ['running', 'started on its host, by hand'],
  ],
  ['started on its host, and to run anyway', { observed: { ...RUNS, local: { power: 'running', atMs: 1 } } }, ['running', null]],
  ['being ended on its host', { observed: { ...RUNS, local: { power: 'off', atMs: 1 } } }, ['running', null]],
  ['not heard of yet', { status: null, observed: null, applied: 0 }, ['creating', null]],
  [
    'not heard of yet, host away',
    { status: null, observed: null, applied: 0, connected: false },
    ['creating', 'waiting for the host h1, which is away'],
  ],
  ['being made', { applied: 0, status: { condition: 'working' } }, ['creating', null]],
  [
    'being made, waiting',
    { applied: 0, status: { condition: 'waiting', waitingFor: 'image debian-13' } },
    ['creating', 'waiting for image debian-13'],
  ],
  ['being made, failed for now', { applied: 0, status: { condition: 'waiting', problem } }, ['creating', 'no space left']],
  ['could not be made', { applied: 0, status: { condition: 'needs-attention', problem } }, ['failed', 'no space left']],
  [
    'not understood by the agent',
    { applied: 0, status: { condition: 'unsupported', problem }, observed: null },
    ['failed', 'no space left'],
  ],
  ['runs while its first generation settles', { applied: 0, observed: RUNS }, ['running', null]],
  ['runs', { observed: RUNS }, ['running', null]],
  [
    'cannot go on',
    { status: { condition: 'waiting', waitingFor: 'its disk' }, observed: { ...RUNS, crashes: 1, paused: 'the storage is full' } },
    ['running', 'paused: the storage is full'],
  ],
  [
    'cannot go on, and shall shut down',
    { wish: 'shutdown', status: { condition: 'waiting', waitingFor: 'it' }, observed: { ...RUNS, paused: 'the storage is full' } },
    ['stopping', 'paused: the storage is full'],
  ],
  ['runs again after crashes', { observed: { ...RUNS, crashes: 3 } }, ['running', 'crashed 3 times, restarted']],
  ['runs, but an edit failed', { observed: RUNS, status: { condition: 'needs-attention', problem } }, ['running', 'no space left']],
  ['starts', { generation: 2, observed: {} }, ['starting', null]],
  ['starts after a crash', { observed: { end: 'crash', crashes: 3 } }, ['starting', 'crashed 3 times, restarting']],
  ['starts after the first crash', { observed: { end: 'crash', crashes: 1 } }, ['starting', 'crashed once, restarting']],
  [
    'starts, waiting',
    { generation: 2, status: { condition: 'waiting', waitingFor: 'its network' } },
    ['starting', 'waiting for its network'],
  ],
  ['could not be started', { generation: 2, status: { condition: 'needs-attention', problem } }, ['failed', 'no space left']],
  ['powered itself off', { observed: { end: 'self' } }, ['stopped', 'powered itself off']],
  ['is started again after it powered itself off', { generation: 2, observed: { end: 'self' } }, ['starting', null]],
  ['is asked to shut down', { wish: 'shutdown', generation: 2, observed: RUNS }, ['stopping', 'asked to shut down']],
  ['is stopped', { wish: 'off', generation: 2, observed: RUNS }, ['stopping', null]],
  ['is off', { wish: 'off', observed: { end: 'asked' } }, ['stopped', null]],
  ['is off since a crash', { wish: 'off', observed: { end: 'crash' } }, ['stopped', 'crashed']],
  ['ended by itself when asked', { wish: 'shutdown', observed: { end: 'self' } }, ['stopped', 'powered itself off']],
  ['is deleted', { deleting: true, observed: RUNS }, ['deleting', null]],
  ['is deleted, host away', { deleting: true, connected: false }, ['deleting', 'the host h1 is away']],
  ['cannot be deleted', { deleting: true, status: { condition: 'needs-attention', problem } }, ['deleting', 'no space left']],
  ['its host has just been silent', { observed: RUNS, silentMs: AWAY_MS }, ['running', null]],
  ['its host is silent', { observed: RUNS, silentMs: AWAY_MS + 1 }, ['unknown', 'the host h1 is away']],
  ['its host has gone', { observed: RUNS, connected: false }, ['unknown', 'the host h1 is away']],
  ['its host was never heard', { observed: RUNS, silentMs: null }, ['unknown', 'the host h1 is away']],
  ['the agent cannot tell', { observed: { power: 'unknown' }, status: { problem } }, ['unknown', 'no space left']],
  ['the agent says nothing we understand', { observed: null }, ['unknown', null]],
];

describe('guestState', () => {
  it.each(CASES)('a guest that %s', (_what, given, expected) => {
    expect(stateOf(given)).toEqual(expected);
  });
});
