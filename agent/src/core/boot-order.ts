import { isTooEarly } from '@drover/shared/lib/clock';
import { type Plan, waitForWord, waitUntil } from './plan.ts';

/** A guest that starts with its host, and how far it has come. */
export interface BootGuest {
  readonly id: string;
  readonly name: string;
  /** Null: after all that have a number. */
  readonly startOrder: number | null;
  readonly startDelayS: number;
  /**
   * waiting: it went down with the host, and has not started since. running: it runs, since startedAtMs. out: nobody waits for it, as it
   * is off, or could not be started. unknown: the agent has not looked yet.
   */
  readonly standing: 'unknown' | 'waiting' | 'running' | 'out';
  readonly startedAtMs: number | null;
  /** Since when something else than the order keeps it from starting: a storage that is away. */
  readonly stuckSinceMs: number | null;
}

/** What keeps one guest from starting keeps the others that long, and no longer. */
export const STUCK_MS = 120_000;

const rank = ({ startOrder }: Pick<BootGuest, 'startOrder'>): number => startOrder ?? Number.POSITIVE_INFINITY;

/** Whether it is this guest's turn to start after a boot of the host: null, or what it waits for. Pure: what is, not when the agent was started. */
export function bootTurn(own: Pick<BootGuest, 'startOrder'>, guests: readonly BootGuest[], nowMs: number): Plan | null {
  const before = guests.filter((guest) => rank(guest) < rank(own)).sort((a, b) => rank(a) - rank(b));
  const untilOf = (guest: BootGuest) => (guest.stuckSinceMs ?? 0) + STUCK_MS;
  const isStuck = (guest: BootGuest) => guest.stuckSinceMs !== null && !isTooEarly(nowMs, guest.stuckSinceMs, untilOf(guest));
  const awaited = before.filter((guest) => (guest.standing === 'waiting' && !isStuck(guest)) || guest.standing === 'unknown');
  if (awaited.length > 0) {
    const title = `its turn at boot, after ${inWords(awaited)}`;
    const stuck = awaited.filter(({ stuckSinceMs }) => stuckSinceMs !== null);
    return stuck.length === 0 ? waitForWord(title) : waitUntil(title, Math.min(...stuck.map(untilOf)));
  }
  const delays = before.flatMap(({ standing, startedAtMs, startDelayS, name }) => {
    if (standing !== 'running' || startedAtMs === null) return [];
    const untilMs = startedAtMs + startDelayS * 1_000;
    return isTooEarly(nowMs, startedAtMs, untilMs) ? [{ untilMs, startDelayS, name }] : [];
  });
  const [last] = delays.sort((a, b) => b.untilMs - a.untilMs);
  return last ? waitUntil(`its turn at boot, ${last.startDelayS} s after ${last.name}`, last.untilMs) : null;
}

function inWords(guests: readonly BootGuest[]): string {
  const [first, second, ...rest] = guests.map(({ name }) => name);
  if (second === undefined) return first ?? '';
  return rest.length === 0 ? `${first} and ${second}` : `${first}, ${second} and ${rest.length} more`;
}

/** The groups in which guests are ended when the host goes down: the other way round, those of one order together. */
export function endingGroups<G extends { readonly startOrder: number | null }>(guests: readonly G[]): G[][] {
  const ranks = [...new Set(guests.map(rank))].sort((a, b) => (a < b ? 1 : -1));
  return ranks.map((each) => guests.filter((guest) => rank(guest) === each));
}
