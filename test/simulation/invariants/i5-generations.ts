import { ResourceKind, refKey } from '@drover/shared/model/resource';
import type { Scene, Watch } from './watch.ts';

/** I5: generations never go back, neither on a host nor in the database; nor does what was applied, nor the order of a host's reports. */
export function watchGenerations({ judge, ledger }: Scene): Watch {
  /** Of what hosts have written down. */
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
    committed({ removals = [], wishes = [], observations = [], hosts = [] }) {
      const removed = new Set(removals.map(refKey));
      const written = new Map<string, number>();
      for (const wish of wishes) {
        const key = refKey(wish);
        const before = removed.has(key) ? undefined : (written.get(key) ?? ledger.entries.get(key)?.wish.generation);
        const follows = before === undefined ? wish.generation === 1 : wish.generation > before;
        judge.check(follows, `${key}: generation ${wish.generation} was written after ${before ?? 'nothing'}`);
        written.set(key, wish.generation);
      }
      for (const seen of observations) {
        const key = refKey(seen);
        const entry = removed.has(key) ? undefined : ledger.entries.get(key);
        const applied = seen.appliedGeneration;
        judge.check(applied >= (entry?.applied ?? 0), `${key}: applied went back from ${entry?.applied} to ${applied}`);
        const generation = written.get(key) ?? entry?.wish.generation ?? applied;
        judge.check(applied <= generation, `${key}: applied ${applied} is above ${generation}`);
      }
      for (const { id, boot, sequence } of hosts) {
        const before = ledger.hosts.get(id) ?? { boot: 0, sequence: 0 };
        const next = { boot: boot ?? before.boot, sequence: sequence ?? before.sequence };
        const isLater = next.boot > before.boot || (next.boot === before.boot && next.sequence >= before.sequence);
        judge.check(isLater, `host ${id} went back from report ${before.boot}/${before.sequence} to ${next.boot}/${next.sequence}`);
      }
    },
  };
}
