import { Problem } from '@drover/shared/lib/problem';
import { HostId } from '@drover/shared/model/id';
import type { Client, InValue } from '@libsql/client';
import { z } from 'zod';
import { auditIfChanged, auditStatement, type Recorded } from './audit-write.ts';
import type { CellStore, KnownCell } from './cell-store.ts';
import { conflictOf } from './commit.ts';

/** `changed`: tells live streams that an event was written. */
export function createCellStore(client: Client, changed: () => void): CellStore {
  const run = async (sql: string, ...args: InValue[]): Promise<number> => (await client.execute({ sql, args })).rowsAffected;
  /** With what the record says of it, if anything was changed. */
  const runRecorded = async (record: Recorded, sql: string, ...args: InValue[]): Promise<number> => {
    const [done] = await client.batch([{ sql, args }, ...(record ? [auditIfChanged(record)] : [])], 'write');
    return done?.rowsAffected ?? 0;
  };
  // A row may be a list that also has names.
  const rows = async (sql: string, ...args: InValue[]): Promise<readonly Record<string, unknown>[]> =>
    (await client.execute({ sql, args })).rows.map((row) => ({ ...row }));

  return {
    cells: async () => (await rows(CELLS)).map((row) => CellRow.parse(row)),

    async addCell({ name, profile, urls, ownUrl, adminUrl, serverCertificate, isDraining, createdAtMs }, record) {
      try {
        await runRecorded(
          record,
          'INSERT INTO cell (name, profile, urls, own_url, admin_url, server_certificate, is_draining, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          ...[name, profile, JSON.stringify(urls), ownUrl, adminUrl, serverCertificate, isDraining ? 1 : 0, createdAtMs],
        );
      } catch (thrown) {
        if (conflictOf(thrown) === null) throw thrown;
        throw new Problem('name-taken', `there is a cell ${name} already`, { field: 'name' });
      }
    },

    setDraining: async (name, isDraining, record) =>
      (await runRecorded(record, 'UPDATE cell SET is_draining = ? WHERE name = ?', isDraining ? 1 : 0, name)) > 0,

    setReached: async (name, isReached) => void (await run('UPDATE cell SET is_reached = ? WHERE name = ?', isReached ? 1 : 0, name)),

    async removeCell(name, record) {
      const removed = await runRecorded(
        record,
        'DELETE FROM cell WHERE name = ? AND NOT EXISTS (SELECT 1 FROM host WHERE cell = ?)',
        name,
        name,
      );
      if (removed > 0) return true;
      const [held] = await rows('SELECT count(*) AS hosts FROM host WHERE cell = ?', name);
      const hosts = Number(held?.hosts ?? 0);
      if (hosts === 0) return false;
      throw new Problem('in-use', `the cell ${name} has ${hosts} hosts`, { suggestion: `move them away first: drover cell drain ${name}` });
    },

    async moveHost(hostId, cell, atMs, record) {
      await client.batch(
        [
          { sql: 'UPDATE host SET cell = ? WHERE id = ?', args: [cell, hostId] },
          { sql: HOST_EVENT, args: [hostId, atMs] },
          ...(record ? [auditStatement(record)] : []),
        ],
        'write',
      );
      changed();
    },

    async moveDraining(limit, atMs) {
      const leaving = await rows(
        'SELECT id FROM host WHERE cell IN (SELECT name FROM cell WHERE is_draining = 1) ORDER BY cell, id LIMIT ?',
        limit,
      );
      if (leaving.length === 0) return [];
      const targets = (await rows(CELLS)).map((row) => CellRow.parse(row)).filter((cell) => !cell.isDraining && cell.isReached);
      if (targets.length === 0) return [];
      const counts = new Map(targets.map((cell) => [cell.name, cell.hosts]));
      const moves = leaving.map(({ id }) => {
        const emptiest = [...counts].reduce((least, candidate) => (candidate[1] < least[1] ? candidate : least));
        counts.set(emptiest[0], emptiest[1] + 1);
        return { hostId: HostId.parse(id), cell: emptiest[0] };
      });
      await client.batch(
        moves.flatMap(({ hostId, cell }) => [
          { sql: 'UPDATE host SET cell = ? WHERE id = ?', args: [cell, hostId] },
          { sql: HOST_EVENT, args: [hostId, atMs] },
        ]),
        'write',
      );
      changed();
      return moves.map(({ hostId }) => hostId);
    },

    cutOffSince: async (ms) => (await rows(CUT_OFF, ms, ms)).map((row) => CutOffRow.parse(row)),

    disconnectCell: async (name) => void (await run('UPDATE host SET connected = 0, session = NULL WHERE cell = ?', name)),

    async lease(name) {
      const [row] = await rows('SELECT holder, epoch, renewals FROM lease WHERE name = ?', name);
      return row ? LeaseRow.parse(row) : null;
    },
    async take(name, seen, holder) {
      if (seen === null)
        return (
          (await run('INSERT INTO lease (name, holder, epoch, renewals) VALUES (?, ?, 1, 0) ON CONFLICT DO NOTHING', name, holder)) > 0
        );
      const { epoch, renewals } = seen;
      return (
        (await run(
          'UPDATE lease SET holder = ?, epoch = ?, renewals = 0 WHERE name = ? AND epoch = ? AND renewals = ?',
          ...[holder, epoch + 1, name, epoch, renewals],
        )) > 0
      );
    },
    renew: async (name, { holder, epoch }) =>
      (await run('UPDATE lease SET renewals = renewals + 1 WHERE name = ? AND holder = ? AND epoch = ?', name, holder, epoch)) > 0,
    async release(name, { holder, epoch }) {
      await run('UPDATE lease SET holder = NULL, renewals = renewals + 1 WHERE name = ? AND holder = ? AND epoch = ?', name, holder, epoch);
    },
  };
}

const CELLS = `SELECT cell.name AS name, profile, urls, own_url AS ownUrl, admin_url AS adminUrl, server_certificate AS serverCertificate,
    is_draining AS isDraining, is_reached AS isReached, created_at_ms AS createdAtMs, count(host.cell) AS hosts, coalesce(sum(host.connected), 0) AS connectedHosts
  FROM cell LEFT JOIN host ON host.cell = cell.name GROUP BY cell.name ORDER BY cell.name`;
const HOST_EVENT = "INSERT INTO event (kind, id, gone, at_ms) VALUES ('host', ?, 0, ?)";
const CUT_OFF = `SELECT id AS hostId, json_extract(public_key, '$.x') AS x, revoked_at_ms AS atMs FROM host WHERE revoked_at_ms >= ?
  UNION ALL SELECT id, public_key, at_ms FROM forgotten_host WHERE at_ms >= ?`;

const Flag = z.number().transform((flag): boolean => flag === 1);
const CellRow = z.object({
  name: z.string(),
  profile: z.enum(['embedded', 'mosquitto', 'nats', 'jwt']),
  urls: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
  ownUrl: z.string().nullable(),
  adminUrl: z.string().nullable(),
  serverCertificate: z.enum(['fleet', 'public']),
  isDraining: Flag,
  isReached: Flag,
  createdAtMs: z.number(),
  hosts: z.number(),
  connectedHosts: z.number(),
}) satisfies z.ZodType<KnownCell>;

const CutOffRow = z
  .object({ hostId: HostId, x: z.string(), atMs: z.number() })
  .transform(({ hostId, x, atMs }) => ({ hostId, atMs, publicKey: { kty: 'OKP', crv: 'Ed25519', x } as const }));

const LeaseRow = z.object({ holder: z.string().nullable(), epoch: z.number(), renewals: z.number() });
