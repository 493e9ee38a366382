import type { Clock } from '@drover/shared/lib/clock';

/** How long a renewal counts for its holder, from when it was asked for. */
export const LEASE_MS = 4_000;
/** How long others must have seen nothing happen before they take it. */
export const LEASE_WAIT_MS = 6_000;

export interface Leased {
  readonly holder: string | null;
  readonly epoch: number;
  readonly renewals: number;
}
type Held = { readonly holder: string; readonly epoch: number };

/** Compare and set, each one atomic. */
export interface LeaseStore {
  lease(name: string): Promise<Leased | null>;
  /** If it is still as it was seen; null: there was none. */
  take(name: string, seen: Pick<Leased, 'epoch' | 'renewals'> | null, holder: string): Promise<boolean>;
  /** False: somebody else has it. */
  renew(name: string, held: Held): Promise<boolean>;
  release(name: string, held: Held): Promise<void>;
}

export interface Lease {
  isHeld(): boolean;
  /** Renews it, or looks whether it can be taken; about once a second. */
  step(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Who serves a cell, among several processes. No clock is compared with another's: who waits watches a counter, and takes the lease
 * when it has stood still for longer than it counts for its holder. Two that believe to have it at once only make work for each
 * other, since commands are idempotent and reports are numbered.
 */
export function createLease(store: LeaseStore, name: string, holder: string, clock: Pick<Clock, 'now'>): Lease {
  let held: { readonly epoch: number; readonly renewedAtMs: number } | null = null;
  let watched: { readonly epoch: number; readonly renewals: number; readonly sinceMs: number } | null = null;

  async function look(): Promise<void> {
    const askedAtMs = clock.now();
    const seen = await store.lease(name);
    const isSame = seen !== null && seen.epoch === watched?.epoch && seen.renewals === watched.renewals;
    if (seen !== null && !isSame) watched = { epoch: seen.epoch, renewals: seen.renewals, sinceMs: clock.now() };
    const hasStoodStill = watched !== null && askedAtMs - watched.sinceMs >= LEASE_WAIT_MS;
    if (seen !== null && seen.holder !== null && !hasStoodStill) return;
    watched = null;
    if (await store.take(name, seen, holder)) held = { epoch: (seen?.epoch ?? 0) + 1, renewedAtMs: askedAtMs };
  }

  const isHeld = (): boolean => held !== null && clock.now() - held.renewedAtMs < LEASE_MS;
  return {
    isHeld,
    async step() {
      if (!held) return look();
      const { epoch } = held;
      const askedAtMs = clock.now();
      held = (await store.renew(name, { holder, epoch })) ? { epoch, renewedAtMs: askedAtMs } : null;
    },
    async release() {
      if (!held) return;
      const { epoch } = held;
      held = null;
      await store.release(name, { holder, epoch });
    },
  };
}

/** Of a process that has the database for itself. */
export const soleLease: Lease = { isHeld: () => true, step: async () => {}, release: async () => {} };
