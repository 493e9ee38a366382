import type { HostId } from '@drover/shared/model/id';
import type { Questions } from './questions.ts';
import { heldOf } from './rows.ts';
import type { Pending } from './store.ts';

export async function pendingOf(ask: Questions, hostId: HostId, limit: number): Promise<Pending | null> {
  const [host] = await ask.host.all({ id: hostId });
  if (!host?.connected) return null;
  return { host, resources: (await ask.pending.all({ hostId, limit })).map(heldOf) };
}
