import type { HostId } from '@drover/shared/model/id';
import type { Client } from '@libsql/client';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/libsql';
import { createAccessStore } from './access.ts';
import { createAuditStore } from './audit.ts';
import { createCellStore } from './cells.ts';
import { commitChange } from './commit.ts';
import { createFleet } from './fleet.ts';
import { type Defer, gathered } from './gathered.ts';
import { createIdentityStore } from './identity.ts';
import { LocalClient } from './local-client.ts';
import { migrate } from './migrate.ts';
import { openLog } from './open-log.ts';
import { pendingOf } from './pending.ts';
import { createQuestions } from './questions.ts';
import { createReads } from './reads.ts';
import { createRightsStore } from './rights.ts';
import { hostOf } from './rows.ts';
import { createSealedStore } from './sealed.ts';
import { createSealingKeyStore } from './sealing-keys.ts';
import type { Store } from './store.ts';
import { trim } from './trim.ts';
import { createViews } from './views.ts';

/** `path`: a file, or ':memory:' for simulation and tests, where every call settles in microtasks. */
export async function openStore(path: string, now: () => number): Promise<Store> {
  // One connection: its PRAGMAs hold for every statement, and calls queue in the order they were made.
  // What comes in the same turn of the event loop is synced to disk at once: a thousand hosts that are back must not wait a thousand times.
  const defer = path === ':memory:' ? null : laterThisTurn;
  const client = new LocalClient(path, 5_000, defer);
  if (path !== ':memory:') await client.execute('PRAGMA journal_mode = WAL');
  // An acknowledged write survives a power cut: the log is synced at each commit, once all is open by another thread.
  await client.execute('PRAGMA synchronous = FULL');
  // What is worked with stays in memory: up to 64 MiB.
  await client.execute('PRAGMA cache_size = -65536');
  const store = await storeOn(client, now, defer);
  if (path !== ':memory:') client.flushApart(openLog(path));
  return store;
}

export const laterThisTurn: Defer = (run) => void setImmediate(run);

/** The store on an open database, brought to the newest schema. */
export async function storeOn(client: Client, now: () => number, defer: Defer | null = null): Promise<Store> {
  await migrate(client);
  const db = drizzle(client, { casing: 'snake_case' });

  const listeners = new Set<() => void>();
  const ask = createQuestions(db, client);
  const reads = createReads(db, ask);
  const pending = gathered((hostIds: readonly HostId[]) => pendingOf(ask, hostIds), defer);
  /** What leaves this process of its own accord, commands and events, is on disk: no power cut makes it untrue. */
  const durable = async (): Promise<void> => {
    if (client instanceof LocalClient) await client.durable();
  };
  function changed(): void {
    for (const notify of listeners) notify();
  }

  return {
    ...reads,
    async events(after, limit) {
      const found = await reads.events(after, limit);
      await durable();
      return found;
    },
    views: createViews(db, ask, defer),
    access: createAccessStore(db, ask, now, changed),
    identity: createIdentityStore(db, client, changed),
    rights: createRightsStore(db, ask),
    audit: createAuditStore(db, client),
    cells: createCellStore(client, changed),
    fleet: createFleet(db),
    sealed: createSealedStore(client),
    sealingKeys: createSealingKeyStore(client),
    async commit(change) {
      const outcome = await commitChange(client, change);
      if (outcome.committed && change.events && change.events.length > 0) changed();
      return outcome;
    },
    async knownHost(id) {
      const [row] = await ask.host.all({ id });
      return row ? hostOf(row) : null;
    },
    async pending(hostId) {
      const found = await pending(hostId);
      await durable();
      return found;
    },
    hostsWithPending: async () => (await ask.hostsWithPending.all()).map(({ id }) => id),
    silentHosts: async (beforeMs) => (await ask.silentHosts.all({ beforeMs })).map(({ id }) => id),
    overdueTasks: async (nowMs, limit) => (await ask.overdueTasks.all({ nowMs, limit })).map(({ id }) => id),
    trim: (nowMs) => trim(db, nowMs),
    onEvents(notify) {
      listeners.add(notify);
      return () => void listeners.delete(notify);
    },
    async disconnectAll() {
      await db.run(sql`UPDATE host SET connected = 0, session = NULL`);
    },
    close: () => client.close(),
  };
}
