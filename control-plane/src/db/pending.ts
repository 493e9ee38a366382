import type { HostId } from '@drover/shared/model/id';
import { and, asc, eq, gt } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { heldOf } from './rows.ts';
import { host, resource } from './schema.ts';
import type { Pending } from './store.ts';

/** The outbox is this question: what has the host not confirmed to have written down? Nothing to clean, nothing to keep in step. */
const isPending = gt(resource.generation, resource.ackedGeneration);

export async function pendingOf(db: LibSQLDatabase, hostId: HostId, limit: number): Promise<Pending | null> {
  const [hosts, rows] = await db.batch([
    db.select({ cell: host.cell, asOfMs: host.asOfMs, connected: host.connected }).from(host).where(eq(host.id, hostId)),
    db
      .select()
      .from(resource)
      .where(and(eq(resource.hostId, hostId), isPending))
      .orderBy(asc(resource.createdAtMs))
      .limit(limit),
  ]);
  const [found] = hosts;
  return found?.connected ? { host: found, resources: rows.map(heldOf) } : null;
}

export async function connectedHostsWithPending(db: LibSQLDatabase): Promise<readonly HostId[]> {
  const rows = await db
    .selectDistinct({ id: resource.hostId })
    .from(resource)
    .innerJoin(host, eq(host.id, resource.hostId))
    .where(and(isPending, eq(host.connected, true)));
  return rows.map((row) => row.id);
}
