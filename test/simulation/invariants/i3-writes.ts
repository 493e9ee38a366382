import { refKey } from '@drover/shared/model/resource';
import { contentOfWrite } from '../ledger.ts';
import type { Scene, Watch } from './watch.ts';

/** I3: an acknowledged write is never lost, a refused one never takes effect, and nothing is there that was never written. */
export function watchWrites({ judge, ledger, hosts, store }: Scene): Watch {
  /** How often the request under a key was carried out. */
  const keys = new Map<string, number>();
  return {
    committed({ idempotency }) {
      if (!idempotency) return;
      const key = `${idempotency.userId} ${idempotency.key}`;
      const count = (keys.get(key) ?? 0) + 1;
      keys.set(key, count);
      judge.check(count === 1, `the request ${key} was carried out twice`);
    },
    answered({ what, change, ...answer }) {
      const parts = [change?.wishes, change?.newTasks].filter((part) => part !== undefined && part.length > 0);
      if (answer.was === 'refused') {
        for (const part of parts) judge.check(!ledger.wrote(part), `"${what}" was refused but written`);
        return;
      }
      for (const part of parts) judge.check(ledger.wrote(part), `"${what}" was acknowledged but never written`);
      const written = answer.decided.filter(({ newTasks }) => ledger.wrote(newTasks)).length;
      judge.check(written <= 1 || ledger.history !== answer.history, `"${what}" was carried out ${written} times under one key`);
      const [first] = change?.wishes ?? [];
      const isOnTab = answer.ifMatch === undefined || first?.kind !== 'guest' || first.generation === answer.ifMatch + 1;
      judge.check(isOnTab, `"${what}" was carried out on generation ${(first?.generation ?? 0) - 1}`);
    },
    /** The database and the second book agree. */
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
          judge.check(contentOfWrite(held as never) === entry.content, `${key} is not as generation ${generation} was committed`);
        }
      }
      for (const key of ledger.entries.keys()) judge.check(found.has(key), `${key} was committed and is lost`);
    },
    // A request that was forgotten may be carried out again.
    restored: () => keys.clear(),
  };
}
