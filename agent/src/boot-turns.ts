import type { Clock } from '@drover/shared/lib/clock';
import type { Wish } from '@drover/shared/model/spec';
import { type BootGuest, bootTurn } from './core/boot-order.ts';
import { type Plan, waitUntil } from './core/plan.ts';
import type { ObservedGuest } from './drivers/guest/driver.ts';

export interface BootTurnsPorts {
  /** As it is to be done, with what people chose on the host. */
  readonly guests: () => readonly Wish<'guest'>[];
  readonly clock: Clock;
  /** The host's own start delay. */
  readonly startDelayMs: () => number;
  /** How long the host has been up. */
  readonly uptimeMs: () => number;
  readonly wake: (guestId: string) => void;
}

/** Whose turn it is to start after a boot of the host. What it remembers it learns anew by looking: an agent that is restarted half-way goes on. */
export interface BootTurns {
  /** Null: it may start. */
  turnOf(wish: Wish<'guest'>): Plan | null;
  /** What was seen of it. `isKept`: by something that it stands on; `hasFailed`: its start, and it will be tried again. */
  note(wish: Wish<'guest'>, guest: ObservedGuest | null, how: { readonly isKept: boolean; readonly hasFailed: boolean }): void;
}

type Standing = Pick<BootGuest, 'standing' | 'startedAtMs' | 'stuckSinceMs'>;

const UNKNOWN: Standing = { standing: 'unknown', startedAtMs: null, stuckSinceMs: null };
const OUT: Standing = { standing: 'out', startedAtMs: null, stuckSinceMs: null };

export function createBootTurns({ guests, clock, startDelayMs, uptimeMs, wake }: BootTurnsPorts): BootTurns {
  const seen = new Map<string, Standing>();

  function standingOf({ id, spec }: Wish<'guest'>, guest: ObservedGuest | null, isKept: boolean): Standing {
    const { running = false, lastRun = null } = guest ?? {};
    if (running) return { standing: 'running', startedAtMs: lastRun?.startedAtMs ?? null, stuckSinceMs: null };
    if (lastRun?.end !== 'host' || lastRun.powerRequest !== spec.powerRequest) return OUT;
    const stuckSinceMs = isKept ? (seen.get(id)?.stuckSinceMs ?? clock.now()) : null;
    return { standing: 'waiting', startedAtMs: null, stuckSinceMs };
  }

  return {
    turnOf(wish) {
      const leftMs = startDelayMs() - uptimeMs();
      if (leftMs > 0) return waitUntil(`its turn at boot: its host waits ${startDelayMs() / 1_000} s`, clock.now() + leftMs);
      const own = { startOrder: wish.spec.startOrder ?? null };
      const others = guests().filter(({ spec, deletion }) => deletion === null && spec.startAtBoot && spec.power === 'running');
      const all = others.map(({ id, spec }): BootGuest => {
        const { name, startOrder = null, startDelayS = 0 } = spec;
        return { id, name, startOrder, startDelayS, ...(seen.get(id) ?? UNKNOWN) };
      });
      return bootTurn(own, all, clock.now());
    },
    note(wish, guest, { isKept, hasFailed }) {
      const before = seen.get(wish.id) ?? UNKNOWN;
      const now = hasFailed ? OUT : standingOf(wish, guest, isKept);
      seen.set(wish.id, now);
      const wasAwaited = before.standing === 'waiting' || before.standing === 'unknown';
      if (!wasAwaited || now.standing === 'waiting') return;
      for (const [id, { standing }] of seen) if (standing === 'waiting') wake(id);
    },
  };
}
