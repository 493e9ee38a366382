import type { Figures } from '@drover/shared/model/figures';
import type { HostId } from '@drover/shared/model/id';
import type { FiguresWrite } from '../core/change.ts';
import type { Store } from './store.ts';

/** In so many commits, one a second, the figures of all hosts are written once. */
const ROUND = 60;

/**
 * Keeps the newest figures of each host here, and writes them once a minute for other processes to see, and for after a restart: a row of
 * them is most of a page, and to write 30,000 twice a minute would be most of what is written. They are written in the order of their
 * ids, so that those which share a page are written together.
 */
export function keepingFigures(store: Store): Store {
  /** As text: thirty thousand of them as objects would be a hundred megabytes. */
  const newest = new Map<HostId, { readonly atMs: number; readonly text: string }>();
  const unwritten = new Set<HostId>();
  let round: HostId[] = [];
  let atOnce = 0;

  /** Sound: the text was made of them here. */
  const read = (hostId: HostId): FiguresWrite[] => {
    const kept = newest.get(hostId);
    return kept ? [{ hostId, atMs: kept.atMs, figures: JSON.parse(kept.text) as Figures }] : [];
  };

  function due(): FiguresWrite[] {
    if (round.length === 0) {
      round = [...unwritten].sort();
      atOnce = Math.ceil(round.length / ROUND);
    }
    const now = round.splice(0, atOnce);
    for (const hostId of now) unwritten.delete(hostId);
    return now.flatMap(read);
  }

  return {
    ...store,
    async figures(hostId) {
      const known = await store.figures(hostId);
      const [kept] = read(hostId);
      return kept && (known === null || kept.atMs > known.atMs) ? kept : known;
    },
    commit(change) {
      for (const hostId of change.forgottenHosts ?? []) newest.delete(hostId);
      if (!change.figures) return store.commit(change);
      for (const { hostId, atMs, figures } of change.figures) {
        newest.set(hostId, { atMs, text: JSON.stringify(figures) });
        unwritten.add(hostId);
      }
      return store.commit({ ...change, figures: due() });
    },
  };
}
