import type { Clock } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import type { HostId } from '@drover/shared/model/id';

/**
 * The door for hosts. After a restart all come at once; each costs some milliseconds until it has introduced itself, and who waits
 * too long for an answer hangs up and comes again, so that in the end nobody gets in. Few are let in at a time, then; the others are
 * told at once when to come back, spread over as long as it takes to let in all that wait.
 */
export interface Admission {
  /** Null: it may come in. Else for how many seconds it shall stay away. Costs next to nothing. */
  secondsToWait(hostId: HostId): number | null;
  /** It has proven who it is: its place is kept until it has introduced itself. */
  enter(hostId: HostId): void;
  arrived(hostId: HostId): void;
}

/** On their way in at once: as many as can be served within a moment, so that everybody else is still answered. */
const PLACES = 50;
/** Somebody who has not come by then does not come. */
const PLACE_MS = 15_000;
const WAIT_MAX_S = 60;
/** Of those who wait; also of ones that somebody invents. */
const WAITING_MAX = 50_000;
/** How many of those who came last tell how long it takes, and what is taken for that at first. */
const ARRIVALS = 30;
const ON_THE_WAY_MS = 500;

export function createAdmission(clock: Pick<Clock, 'now'>, random: Pick<Random, 'fraction'>): Admission {
  /** Since when each is on its way, or waits: oldest first. */
  const places = new Map<HostId, number>();
  const waiting = new Map<HostId, number>();
  let onTheWayMs: number[] = Array(ARRIVALS).fill(ON_THE_WAY_MS);

  function forget(nowMs: number): void {
    for (const [hostId, sinceMs] of places) {
      if (sinceMs + PLACE_MS > nowMs) break;
      places.delete(hostId);
    }
    for (const [hostId, sinceMs] of waiting) {
      if (waiting.size <= WAITING_MAX && sinceMs + 2 * WAIT_MAX_S * 1_000 > nowMs) break;
      waiting.delete(hostId);
    }
  }

  /** Not how many do come: we ourselves make them come slowly. */
  const couldComePerS = (): number => (PLACES * 1_000) / Math.max(onTheWayMs.reduce((sum, ms) => sum + ms, 0) / ARRIVALS, 1);

  return {
    secondsToWait(hostId) {
      const nowMs = clock.now();
      forget(nowMs);
      if (places.size < PLACES || places.has(hostId)) return null;
      waiting.delete(hostId);
      waiting.set(hostId, nowMs);
      const spreadS = Math.min(waiting.size / couldComePerS(), WAIT_MAX_S);
      return Math.max(1, Math.ceil(spreadS * random.fraction()));
    },
    enter(hostId) {
      waiting.delete(hostId);
      places.delete(hostId);
      places.set(hostId, clock.now());
    },
    arrived(hostId) {
      const sinceMs = places.get(hostId);
      if (sinceMs === undefined) return;
      places.delete(hostId);
      onTheWayMs = [...onTheWayMs.slice(1), clock.now() - sinceMs];
    },
  };
}
