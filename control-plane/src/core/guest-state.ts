import type { GuestState } from '@drover/shared/api/views';
import type { GuestStatus } from '@drover/shared/model/guest';
import type { Held, Host } from './held.ts';

/** A host says something every 10 s: silent for three times that, nobody knows what its guests do. */
export const AWAY_MS = 30_000;

export interface StateInput {
  readonly guest: Pick<Held<'guest'>, 'spec' | 'generation' | 'appliedGeneration' | 'deletion' | 'status'>;
  /** The guest's own part of its status; null: its host has not spoken of it yet. */
  readonly observed: GuestStatus | null;
  readonly host: Pick<Host, 'name' | 'connected' | 'heardAtMs'>;
  readonly nowMs: number;
}

export interface StateInWords {
  readonly state: GuestState;
  readonly reason: string | null;
}

export const isAway = (host: Pick<Host, 'connected' | 'heardAtMs'>, nowMs: number): boolean =>
  !host.connected || host.heardAtMs === null || nowMs - host.heardAtMs > AWAY_MS;

/** One word for people, and a reason when the word alone would puzzle them. First match wins. */
export function guestState({ guest, observed, host, nowMs }: StateInput): StateInWords {
  const away = isAway(host, nowMs) ? `the host ${host.name} is away` : null;
  const isWished = guest.spec.power === 'running' ? 'running' : 'stopped';
  const waiting = guest.status?.waitingFor === undefined ? null : inWords(guest.status.waitingFor);
  const hasGivenUp = guest.status?.condition === 'needs-attention' || guest.status?.condition === 'unsupported';
  const problem = guest.status?.problem?.detail ?? null;

  if (guest.deletion) return { state: 'deleting', reason: away ?? (hasGivenUp ? problem : waiting) };
  if (!guest.status) return { state: 'creating', reason: away && `waiting for the host ${host.name}, which is away` };
  if (away) return { state: 'unknown', reason: away };
  if (hasGivenUp) return { state: observed?.power === isWished ? isWished : 'failed', reason: problem };
  if (!observed) return { state: guest.appliedGeneration === 0 ? 'creating' : 'unknown', reason: waiting ?? problem };
  const local = localOf(observed, isWished);
  if (local) return { state: observed.power === 'running' ? 'running' : 'stopped', reason: local };
  if (observed.power === 'running') {
    const paused = observed.paused === undefined ? null : `paused: ${observed.paused}`;
    if (isWished === 'running') return { state: 'running', reason: paused ?? crashesOf(observed, 'restarted') };
    return { state: 'stopping', reason: paused ?? waiting ?? (guest.spec.power === 'shutdown' ? 'asked to shut down' : null) };
  }
  if (guest.appliedGeneration === 0) return { state: 'creating', reason: waiting ?? problem };
  if (observed.power === 'unknown') return { state: 'unknown', reason: waiting ?? problem };
  if (isWished === 'stopped') return { state: 'stopped', reason: endOf(observed) };
  // It may stay off by its own will, until somebody asks again, which is a new generation.
  if (observed.end === 'self' && guest.appliedGeneration === guest.generation) return { state: 'stopped', reason: endOf(observed) };
  return { state: 'starting', reason: crashesOf(observed, 'restarting') ?? waiting ?? problem };
}

/** Somebody on the host asked for another power state than is wished for here, and it is so. */
function localOf({ power, local }: GuestStatus, isWished: 'running' | 'stopped'): string | null {
  if (!local || power === 'unknown') return null;
  const isChosen = local.power === 'running' ? 'running' : 'stopped';
  if (isChosen === isWished || power !== isChosen) return null;
  const did = { running: 'started', shutdown: 'shut down', off: 'stopped' }[local.power];
  return `${did} on its host, by hand`;
}

const inWords = (waitingFor: string): string => (/^(waiting|until|for)\b/.test(waitingFor) ? waitingFor : `waiting for ${waitingFor}`);

function crashesOf(observed: GuestStatus, then: string): string | null {
  if (observed.crashes === 0) return null;
  return `crashed ${observed.crashes === 1 ? 'once' : `${observed.crashes} times`}, ${then}`;
}

function endOf(observed: GuestStatus): string | null {
  if (observed.end === 'self') return 'powered itself off';
  if (observed.end === 'crash') return 'crashed';
  return null;
}
