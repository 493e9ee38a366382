import type { HostId } from '@drover/shared/model/id';
import { SealingKey } from '@drover/shared/protocol/sealed';
import type { Client } from '@libsql/client';
import type { SealingKeyStore } from '../host-sealing.ts';

export function createSealingKeyStore(client: Client): SealingKeyStore {
  async function sealingKey(hostId: HostId): Promise<SealingKey | null> {
    const { rows } = await client.execute({ sql: 'SELECT x FROM host_sealing_key WHERE host_id = ?', args: [hostId] });
    return rows[0] ? SealingKey.parse(rows[0].x) : null;
  }
  return {
    sealingKey,
    async learnSealingKey(hostId, key) {
      // Hosts connect often, and all at once; their keys hardly ever change.
      if ((await sealingKey(hostId)) === key) return;
      await client.execute({
        sql: 'INSERT INTO host_sealing_key (host_id, x) SELECT id, ? FROM host WHERE id = ? ON CONFLICT (host_id) DO UPDATE SET x = excluded.x',
        args: [key, hostId],
      });
    },
  };
}
