import type { HostId, TaskId } from '@drover/shared/model/id';
import { and, asc, eq, isNull, type SQL, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import type { FleetUpgradeView, Upgrading } from '../core/fleet-upgrade.ts';
import type { Upgradable } from '../core/host-tasks.ts';
import { among, hostsTagged } from './among.ts';
import { hostOf, taskOf } from './rows.ts';
import * as schema from './schema.ts';

const { host, hostInventory, task } = schema;

/** What is looked at of many hosts at once. Of an inventory, which is long, only what is needed is taken out. */
export interface Fleet {
  /** By name: those of these names or ids, those that bear the tag, or all. */
  upgradables(which: Which): Promise<readonly FleetHost[]>;
  unfinishedUpgrades(): Promise<readonly TaskId[]>;
  /** Null: no such upgrade. */
  upgrade(id: TaskId): Promise<FleetUpgradeView | null>;
}
export type Which = { readonly refs: readonly string[] } | { readonly tag: string } | { readonly all: true };
export type FleetHost = Upgradable & { readonly host: Upgrading['host'] };

export function createFleet(db: LibSQLDatabase): Fleet {
  const part = (path: string) => sql<string | null>`json_extract(${hostInventory.inventory}, ${path})`;
  async function hostsWhere(which: SQL | undefined): Promise<FleetHost[]> {
    const rows = await db
      .select({ host, version: part('$.agentVersion'), build: part('$.agentBuild'), blocked: part('$.upgradeBlocked') })
      .from(host)
      .leftJoin(hostInventory, eq(hostInventory.hostId, host.id))
      .where(and(isNull(host.revokedAtMs), which))
      .orderBy(asc(host.name));
    return rows.map(({ host: row, version, build, blocked }) => ({
      host: hostOf(row),
      agent: version === null ? null : { agentVersion: version, agentBuild: build ?? undefined, upgradeBlocked: blocked ?? undefined },
    }));
  }

  /** The newest upgrade of each host since then. */
  async function upgradesSince(hostIds: readonly HostId[], sinceMs: number) {
    const rows = await db
      .select()
      .from(task)
      .where(sql`${task.targetId} IN ${among(hostIds)} AND ${task.verb} = 'agent.upgrade' AND ${task.createdAtMs} >= ${sinceMs}`)
      .orderBy(asc(task.createdAtMs), asc(task.id));
    return new Map(rows.map((row) => [row.targetId, taskOf(row)]));
  }

  return {
    upgradables(which) {
      if ('all' in which) return hostsWhere(undefined);
      if ('tag' in which) return hostsWhere(sql`${host.id} IN ${hostsTagged(which.tag)}`);
      return hostsWhere(sql`(${host.id} IN ${among(which.refs)} OR ${host.name} IN ${among(which.refs)})`);
    },
    async unfinishedUpgrades() {
      const rows = await db
        .select({ id: task.id })
        .from(task)
        .where(and(isNull(task.finishedAtMs), eq(task.targetKind, 'task'), eq(task.verb, 'fleet.upgrade')));
      return rows.map(({ id }) => id);
    },
    async upgrade(id) {
      const [row] = await db.select().from(task).where(eq(task.id, id));
      if (row?.spec.do !== 'fleet.upgrade') return null;
      const ids = row.spec.rings[row.spec.ring] ?? [];
      const [hosts, upgrades] = [await hostsWhere(sql`${host.id} IN ${among(ids)}`), await upgradesSince(ids, row.createdAtMs)];
      return { task: taskOf(row), ring: hosts.map((each) => ({ ...each, upgrade: upgrades.get(each.host.id) ?? null })) };
    },
  };
}
