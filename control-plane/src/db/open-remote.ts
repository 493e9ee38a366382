import { createClient } from '@libsql/client';
import { laterThisTurn, storeOn } from './open.ts';
import type { Store } from './store.ts';

/** A libSQL server, which other processes may use as well. */
export function openRemoteStore(url: string, token: string | null, now: () => number): Promise<Store> {
  return storeOn(createClient({ url, ...(token === null ? {} : { authToken: token }) }), now, laterThisTurn);
}
