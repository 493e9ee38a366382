import { refKey } from '@drover/shared/model/resource';
import type { Scene, Watch } from './watch.ts';

/** For as long another control plane may go by what it had read before. */
const HINDSIGHT_MS = 2_000;

/**
 * L2: a host that was away is sent what changed, not what ever was. So nothing is sent that it has acknowledged, and of what
 * changed often meanwhile the newest generation alone.
 */
export function watchReturns({ judge, ledger, timeline, hosts }: Scene): Watch {
  /** Until when an older generation than the newest may still be on its way out; and what was acknowledged, since when. */
  const written = new Map<string, { readonly generation: number; readonly atMs: number }>();
  const acknowledged = new Map<string, { readonly generation: number; readonly atMs: number }>();
  const isLongAgo = (atMs: number) => timeline.nowMs - atMs > HINDSIGHT_MS;
  return {
    committed({ wishes = [], observations = [], removals = [] }) {
      for (const ref of removals) acknowledged.delete(refKey(ref));
      for (const wish of wishes) written.set(refKey(wish), { generation: wish.generation, atMs: timeline.nowMs });
      for (const { ackedGeneration: generation, ...ref } of observations) {
        if (acknowledged.get(refKey(ref))?.generation !== generation) acknowledged.set(refKey(ref), { generation, atMs: timeline.nowMs });
      }
    },
    command({ host, resource }) {
      const key = refKey(resource);
      const name = hosts.find(({ hostId }) => hostId === host)?.name ?? host;
      const acked = acknowledged.get(key);
      const isKnown = acked !== undefined && isLongAgo(acked.atMs) && acked.generation >= resource.generation;
      judge.check(
        !isKnown || !ledger.entries.has(key),
        `${name} was sent generation ${resource.generation} of ${key}, which it has acknowledged`,
      );
      const newest = written.get(key);
      const isOld = newest !== undefined && isLongAgo(newest.atMs) && newest.generation > resource.generation;
      judge.check(
        !isOld,
        `${name} was sent generation ${resource.generation} of ${key}, long after generation ${newest?.generation} was written`,
      );
    },
    restored() {
      written.clear();
      acknowledged.clear();
    },
  };
}
