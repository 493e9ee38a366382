import type { Rights } from '../core/rights-of.ts';
import { NOWHERE } from '../core/things.ts';
import { usable } from '../core/usable.ts';
import type { HostCandidate } from '../core/views.ts';
import type { Store } from '../db/store.ts';
import { notThere } from './gate.ts';

interface Room {
  readonly candidates: readonly HostCandidate[];
}

/** Where something new could go, as far as its author may use it. A host that they may not know of is not there, nor is what is like it. */
export async function roomFor<R extends Room>(
  { rights: { find } }: Pick<Store, 'rights'>,
  { host, rights, what }: { readonly host: string | undefined; readonly rights: Rights; readonly what: 'guest' | 'image' },
  load: () => Promise<R>,
): Promise<R> {
  const seesHosts = rights.within('Sys.Audit', '/nodes') === null;
  const [named] = host === undefined || seesHosts ? [] : await find('host', host);
  if (host !== undefined && !seesHosts && !named) throw notThere('host', host);
  const room = await load();
  const candidates = usable(room.candidates, rights, what);
  if (host !== undefined && named && candidates.length === 0 && !rights.sees('host', named.id, NOWHERE)) throw notThere('host', host);
  return { ...room, candidates };
}
