import type { HostId } from '@drover/shared/model/id';
import type { ResourceRef } from '@drover/shared/model/resource';
import type { Change, FiguresWrite, Heard } from '../core/change.ts';
import type { ReportView } from '../core/views.ts';
import type { CommitOutcome, Store } from '../db/store.ts';

/**
 * What hosts that have nothing to say leave to be written: a thousand of them must not cost a synced commit each every ten seconds.
 * It waits for the next tick, or for the host's next words. A process that dies with it has forgotten only when it last heard them.
 */
export interface Hearing {
  /** With the host as it is by what was heard since it was written. */
  view(hostId: HostId, refs: readonly ResourceRef[] | 'all'): Promise<ReportView | null>;
  commit(hostId: HostId, change: Change): Promise<CommitOutcome>;
  /** Writes all that waits, at once. */
  write(nowMs: number): Promise<void>;
}

export function createHearing(store: Pick<Store, 'commit' | 'views'>): Hearing {
  const waiting = new Map<HostId, Heard>();
  /** The newest of each host. */
  const figures = new Map<HostId, FiguresWrite>();

  /** In the database, or moot because somebody else has written of this host. */
  function settled(heard: Heard): void {
    const current = waiting.get(heard.id);
    if (current === heard) waiting.delete(heard.id);
    // Heard once more while this was being written.
    else if (current && isSame(current.after, heard.after)) waiting.set(heard.id, { ...current, after: heard });
  }

  return {
    async view(hostId, refs) {
      const view = await store.views.onReport(hostId, refs);
      const heard = waiting.get(hostId);
      if (!view || !heard) return view;
      const { after, ...seen } = heard;
      if (isSame(after, view.host)) return { ...view, host: { ...view.host, ...seen } };
      settled(heard);
      return view;
    },
    async commit(hostId, { figures: measured = [], ...change }) {
      // Worth even less than when it was heard: they never cost a commit of their own.
      for (const each of measured) figures.set(hostId, each);
      const before = waiting.get(hostId);
      const [heard] = change.heard ?? [];
      if (heard) {
        waiting.set(hostId, { ...heard, after: before?.after ?? heard.after });
        return { committed: true };
      }
      if (!before || !change.hosts) return store.commit(change);
      const outcome = await store.commit({ ...change, heard: [before] });
      if (outcome.committed) settled(before);
      return outcome;
    },
    async write(nowMs) {
      const all = [...waiting.values()];
      const measured = [...figures.values()];
      if (all.length + measured.length === 0) return;
      // Should they not be written, the next ones will.
      figures.clear();
      await store.commit({ by: 'drover', atMs: nowMs, heard: all, figures: measured });
      for (const heard of all) settled(heard);
    },
  };
}

type Position = Heard['after'];
const isSame = (a: Position, b: Position): boolean => a.boot === b.boot && a.sequence === b.sequence;
