import type { Scene, Watch } from './watch.ts';

/** A guest is said to be gone only when nothing is left of what its tombstone lists. */
export function watchGone({ judge, ledger }: Scene): Watch {
  return {
    report({ machine }, { statuses }) {
      for (const { kind, id, gone } of statuses) {
        if (kind !== 'guest' || !gone) continue;
        for (const storage of machine.storages.values()) {
          for (const disk of storage.folders.get(Number(id))?.disks.keys() ?? [])
            judge.check(!ledger.mayDestroy({ kind, id }, disk), `guest ${id} is said to be gone, but its disk ${disk} is there`);
        }
      }
    },
  };
}
