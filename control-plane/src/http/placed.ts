import { Problem } from '@drover/shared/lib/problem';
import type { OnHost, Reads } from '../db/store.ts';

type Kind = 'image' | 'storage' | 'network';

/** By id, or by a name: which two hosts may both use, so that it has to be the only one. */
export async function findPlaced<K extends Kind>(store: Pick<Reads, 'placed' | 'allPlaced'>, kind: K, ref: string): Promise<OnHost<K>> {
  const byId = await store.placed(kind, ref);
  if (byId) return byId;
  const { items } = await store.allPlaced(kind, { name: ref, limit: 2 });
  const [only] = items;
  if (!only) throw new Problem('not-found', `there is no ${kind} ${ref}`, { field: kind });
  if (items.length === 1) return only;
  throw await ambiguity(store, kind, ref);
}

async function ambiguity(store: Pick<Reads, 'allPlaced'>, kind: Kind, ref: string): Promise<Problem> {
  const { items, total } = await store.allPlaced(kind, { name: ref, limit: 10 });
  const choices = items.map(({ resource, host }) => {
    const form = resource.kind === 'image' ? `${resource.spec.form} ` : '';
    return `${resource.id} (${form}on ${host.name})`;
  });
  return new Problem('conflict', `${total} ${kind}s are called ${ref}`, { field: kind, suggestion: `use an id: ${choices.join(', ')}` });
}
