import type { Client } from '@libsql/client';
import { and, asc, eq, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/libsql';
import { createAccessStore } from './access.ts';
import { commitChange } from './commit.ts';
import { LocalClient } from './local-client.ts';
import { migrate } from './migrate.ts';
import { connectedHostsWithPending, pendingOf } from './pending.ts';
import { createReads } from './reads.ts';
import { host, task } from './schema.ts';
import type { Store } from './store.ts';
import { trim } from './trim.ts';
import { createViews } from './views.ts';

/** `path`: a file, or ':memory:' for simulation and tests, where every call settles in microtasks. */
export async function openStore(path: string, now: () => number): Promise<Store> {
  // One connection: its PRAGMAs hold for every statement, and calls queue in the order they were made.
  const client = new LocalClient(path, 5_000);
  if (path !== ':memory:') await client.execute('PRAGMA journal_mode = WAL');
  // An acknowledged write survives a power cut: the log is synced at each commit.
  await client.execute('PRAGMA synchronous = FULL');
  return storeOn(client, now);
}

/** The store on an open database, brought to the newest schema. */
export async function storeOn(client: Client, now: () => number): Promise<Store> {
  await migrate(client);
  const db = drizzle(client, { casing: 'snake_case' });

  const listeners = new Set<() => void>();
  const reads = createReads(db);
  function changed(): void {
    for (const notify of listeners) notify();
  }

  return {
    ...reads,
    views: createViews(db),
    access: createAccessStore(db, now, changed),
    async commit(change) {
      const outcome = await commitChange(db, change);
      if (outcome.committed && change.events && change.events.length > 0) changed();
      return outcome;
    },
    pending: (hostId, limit) => pendingOf(db, hostId, limit),
    hostsWithPending: () => connectedHostsWithPending(db),
    async silentHosts(heardBeforeMs) {
      const rows = await db
        .select({ id: host.id })
        .from(host)
        .where(and(eq(host.connected, true), lt(host.heardAtMs, heardBeforeMs)));
      return rows.map(({ id }) => id);
    },
    async overdueTasks(nowMs, limit) {
      const rows = await db
        .select({ id: task.id })
        .from(task)
        .where(and(isNull(task.finishedAtMs), isNotNull(task.deadlineAtMs), lt(task.deadlineAtMs, nowMs)))
        .orderBy(asc(task.deadlineAtMs))
        .limit(limit);
      return rows.map(({ id }) => id);
    },
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
