import { Report } from '@drover/shared/protocol/message';
import type { Scene, Watch } from './watch.ts';

/** A guest is said to be gone only when nothing is left of what its tombstone lists. */
export function watchGone({ judge, hosts, ledger }: Scene): Watch {
  return {
    message({ hostId, leaf, text }) {
      if (leaf !== 'up/report') return;
      const machine = hosts.find((host) => host.hostId === hostId)?.machine;
      for (const { kind, id, gone } of Report.parse(JSON.parse(text)).statuses) {
        if (kind !== 'guest' || !gone) continue;
        for (const storage of machine?.storages.values() ?? []) {
          for (const disk of storage.folders.get(Number(id))?.disks.keys() ?? [])
            judge.check(!ledger.mayDestroy({ kind, id }, disk), `guest ${id} is said to be gone, but its disk ${disk} is there`);
        }
      }
    },
  };
}
