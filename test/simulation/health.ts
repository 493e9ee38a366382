import type { HostHealth } from '@drover/shared/api/views';
import type { HostId } from '@drover/shared/model/id';
import type { Store } from '../../control-plane/src/db/store.ts';
import { hostView } from '../../control-plane/src/http/views.ts';
import { AGENT_VERSION } from './hypervisor.ts';

/** What the API answers to who asks how a host is. */
export async function healthOf(store: Store, hostId: HostId, nowMs: number): Promise<HostHealth> {
  const record = await store.host(hostId);
  if (!record) throw new Error(`there is no host ${hostId}`);
  return hostView(record, nowMs, AGENT_VERSION).health;
}
