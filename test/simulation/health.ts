import type { HostHealth } from '@drover/shared/api/views';
import { realClock } from '@drover/shared/lib/clock';
import type { HostId } from '@drover/shared/model/id';
import type { Store } from '../../control-plane/src/db/store.ts';
import { hostView } from '../../control-plane/src/http/views.ts';
import { AGENT_VERSION } from './hypervisor.ts';

/** What the API answers to who asks how a host is. */
export async function healthOf(store: Store, hostId: HostId, nowMs: number): Promise<HostHealth> {
  const record = await store.host(hostId);
  if (!record) throw new Error(`there is no host ${hostId}`);
  const clock = { ...realClock, now: () => nowMs };
  return hostView(record, { clock, version: AGENT_VERSION, agentPackage: null }).health;
}
