import { grouped } from '@drover/shared/lib/grouped';
import type { HostId } from '@drover/shared/model/id';
import type { Questions } from './questions.ts';
import { heldOf } from './rows.ts';
import type { Pending } from './store.ts';

/** Of one host at a time; the rest follows when these are acknowledged. */
const PENDING_MAX = 500;

/** In two questions, however many hosts. */
export async function pendingOf(ask: Questions, hostIds: readonly HostId[]): Promise<readonly (Pending | null)[]> {
  const ids = JSON.stringify([...new Set(hostIds)]);
  const hosts = new Map((await ask.linksAmong.all({ ids })).map((host) => [host.id, host]));
  const found = await ask.pendingAmong.all({ ids, limit: PENDING_MAX });
  const resources = grouped(found.map(heldOf), ({ hostId }) => hostId);
  return hostIds.map((id) => {
    const host = hosts.get(id);
    return host?.connected ? { host, resources: resources.get(id) ?? [] } : null;
  });
}
