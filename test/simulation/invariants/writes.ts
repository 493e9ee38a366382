import { refKey } from '@drover/shared/model/resource';
import { digestOfWrite } from '../ledger.ts';
import type { Scene, Watch } from './watch.ts';

/** An acknowledged write is never lost, and nothing is there that was never written: the database and the second book agree. */
export function watchWrites({ judge, ledger, hosts, store }: Scene): Watch {
  return {
    async sometimes() {
      const found = new Set<string>();
      for (const host of hosts) {
        for (const held of (await store().views.onHost(host.hostId)).resources) {
          const key = refKey(held);
          const entry = ledger.entries.get(key);
          found.add(key);
          judge.check(entry !== undefined, `${key} is in the database, but was removed or never written`);
          if (!entry) continue;
          const { generation } = entry.wish;
          judge.check(held.generation === generation, `${key} is at generation ${held.generation}, but ${generation} was committed`);
          judge.check(digestOfWrite(held as never) === entry.digest, `${key} is not as generation ${generation} was committed`);
        }
      }
      for (const key of ledger.entries.keys()) judge.check(found.has(key), `${key} was committed and is lost`);
    },
  };
}
