import { describe, expect, it } from 'vitest';
import { aHost, NOW_MS } from '../../../test/control-plane/held.ts';
import type { Host } from './held.ts';
import { hostHealth } from './host-health.ts';

const MINUTE_MS = 60_000;
type Over = Partial<Host> & { readonly agentVersion?: string };
const healthOf = ({ agentVersion = '0.5.0', ...over }: Over, pendingSinceMs: number | null = null) =>
  hostHealth({
    host: aHost(over),
    agentVersion,
    pendingSinceMs,
    controlPlaneVersion: '0.5.0',
    nowMs: NOW_MS,
  });

describe('the health of a host', () => {
  it.each<[string, Over, number | null, ReturnType<typeof healthOf>['state'], number | null]>([
    ['that is heard and has all it was told', {}, null, 'connected', null],
    ['that was told something just now', {}, NOW_MS - MINUTE_MS, 'connected', null],
    [
      'that was told long ago, and gets on with other things',
      { progressAtMs: NOW_MS - MINUTE_MS },
      NOW_MS - 9 * MINUTE_MS,
      'connected',
      null,
    ],
    ['that reports and takes no commands', { progressAtMs: 5 }, NOW_MS - 2 * MINUTE_MS, 'not-progressing', NOW_MS - 2 * MINUTE_MS],
    ['that stopped getting on', { progressAtMs: NOW_MS - 3 * MINUTE_MS }, 7, 'not-progressing', NOW_MS - 3 * MINUTE_MS],
    ['that was cut off, whatever else', { revokedAtMs: 7, connected: false, cloneSeenAtMs: NOW_MS }, 5, 'revoked', 7],
    ['that has never spoken', { heardAtMs: null, connected: false }, 5, 'never-heard', 1],
    ['whose connection ended', { connected: false }, 5, 'silent', NOW_MS - 1_000],
    ['that fell silent without a farewell', { heardAtMs: NOW_MS - 30_001 }, null, 'silent', NOW_MS - 30_001],
    ['of which there are two', { cloneSeenAtMs: NOW_MS - MINUTE_MS }, null, 'clone-suspected', NOW_MS - MINUTE_MS],
    ['of which there were two, and one has gone', { cloneSeenAtMs: NOW_MS - 11 * MINUTE_MS }, null, 'connected', null],
    ['whose clock goes before', { clockAheadMs: 30_001 }, null, 'clock-off', null],
    ['whose clock goes behind', { clockAheadMs: -MINUTE_MS }, null, 'clock-off', null],
    ['whose clock is a little off', { clockAheadMs: -30_000 }, null, 'connected', null],
    ['with an agent two releases old', { agentVersion: '0.3.9' }, null, 'connected', null],
    ['with an agent three releases old', { agentVersion: '0.2.0' }, null, 'agent-too-old', null],
    ['with an agent one release ahead', { agentVersion: '0.6.0' }, null, 'connected', null],
    ['with an agent two releases ahead', { agentVersion: '0.7.0' }, null, 'agent-too-new', null],
    ['with an agent of another line', { agentVersion: '1.5.0' }, null, 'agent-too-new', null],
    ['with an agent without a version', { agentVersion: 'dev' }, null, 'connected', null],
  ])('%s', (_what, over, pendingSinceMs, state, sinceMs) => {
    expect(healthOf(over, pendingSinceMs)).toMatchObject({ state, sinceMs });
  });

  it('says what is wrong and what to do about it, unless all is well', () => {
    expect(healthOf({ clockAheadMs: -90_000 })).toMatchObject({ detail: 'Its clock is 90 s behind.', fix: expect.any(String) });
    expect(healthOf({})).toEqual({ state: 'connected', sinceMs: null, detail: null, fix: null });
  });
});
