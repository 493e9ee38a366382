import { ResourceKind } from '@drover/shared/model/resource';
import type { Scene, Watch } from './watch.ts';

/** Generations never go back on a host. (In the database: see the ledger.) */
export function watchGenerations({ judge }: Scene): Watch {
  const newest = new Map<string, number>();
  return {
    wished(host, { kind, id, generation }) {
      const key = `${host.name} ${kind}/${id}`;
      const before = newest.get(key) ?? 0;
      judge.check(generation >= before, `${kind}/${id} on ${host.name} went back from generation ${before} to ${generation}`);
      newest.set(key, generation);
    },
    opened(host, journal) {
      for (const [key, generation] of newest) {
        const [name, ref = ''] = key.split(' ');
        const [kind, id = ''] = ref.split('/');
        if (name !== host.name) continue;
        const found = journal.get({ kind: ResourceKind.parse(kind), id })?.resource.generation ?? 0;
        judge.check(found >= generation, `${ref} on ${host.name} was written down at generation ${generation}, and is found at ${found}`);
      }
    },
    journalLost(host) {
      for (const key of newest.keys()) if (key.startsWith(`${host.name} `)) newest.delete(key);
    },
  };
}
