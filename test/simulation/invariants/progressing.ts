import type { HostId } from '@drover/shared/model/id';
import { refKey } from '@drover/shared/model/resource';
import { healthOf } from '../health.ts';
import type { Scene, Watch } from './watch.ts';

/** The control plane says so after a minute; a tick, and what a report takes, come on top of it. */
const STUCK_MS = 75_000;
/** Said of a host that did something so lately, it is a slander. */
const LATELY_MS = 45_000;

/**
 * Being alive is not progressing: of a host that is heard and takes no commands it is said that it does not get on, and of no other.
 * Told by what hosts did, while nothing that is said gets lost or late, and no clock was set by which it is told.
 */
export function watchProgress({ judge, timeline, network, hosts, desks, store }: Scene): Watch {
  /** Of each host what it was wished and has not written down, since when. */
  const pending = new Map<HostId, Map<string, { readonly generation: number; readonly sinceMs: number }>>();
  const progressedAtMs = new Map<HostId, number>();
  const undisturbedSinceMs = new Map<HostId, number>();
  let isClear = true;
  const isStuck = (hostId: HostId): boolean => {
    const oldestMs = Math.min(...[...(pending.get(hostId)?.values() ?? [])].map(({ sinceMs }) => sinceMs));
    const sinceMs = Math.max(oldestMs, progressedAtMs.get(hostId) ?? 0, undisturbedSinceMs.get(hostId) ?? 0);
    return timeline.nowMs - sinceMs > STUCK_MS;
  };
  return {
    committed({ wishes = [], removals = [] }) {
      for (const { hostId, generation, ...ref } of wishes) {
        const ofHost = pending.get(hostId) ?? new Map();
        const sinceMs = ofHost.get(refKey(ref))?.sinceMs ?? timeline.nowMs;
        pending.set(hostId, ofHost.set(refKey(ref), { generation, sinceMs }));
      }
      for (const ref of removals) for (const ofHost of pending.values()) ofHost.delete(refKey(ref));
    },
    wished({ hostId }, resource) {
      const ofHost = pending.get(hostId);
      if ((ofHost?.get(refKey(resource))?.generation ?? 0) <= resource.generation) ofHost?.delete(refKey(resource));
      progressedAtMs.set(hostId, timeline.nowMs);
    },
    report: ({ hostId }, { statuses }) => void (statuses.length > 0 && progressedAtMs.set(hostId, timeline.nowMs)),
    often() {
      const { loss, lateness } = network.weather;
      for (const { hostId } of hosts) {
        const isDisturbed = loss > 0 || lateness > 0 || network.cut.has(hostId) || !network.isConnected(hostId) || desks().length === 0;
        if (isDisturbed || !undisturbedSinceMs.has(hostId)) undisturbedSinceMs.set(hostId, timeline.nowMs);
      }
    },
    async sometimes() {
      const [desk] = desks();
      if (!desk || !isClear) return;
      for (const { hostId, name } of hosts) {
        const { state } = await healthOf(store(), hostId, desk.life.clock.now());
        const agoMs = timeline.nowMs - (progressedAtMs.get(hostId) ?? 0);
        if (isStuck(hostId)) judge.check(state === 'not-progressing', `${name} is heard and takes no commands, and is said to be ${state}`);
        const isUndisturbed = timeline.nowMs - (undisturbedSinceMs.get(hostId) ?? 0) > LATELY_MS;
        if (isUndisturbed && agoMs < LATELY_MS)
          judge.check(state !== 'not-progressing', `${name} is said to take no commands, and took one ${Math.round(agoMs / 1_000)} s ago`);
      }
    },
    // What was written down by the time before means nothing any more.
    clockSet() {
      isClear = false;
    },
    restored() {
      isClear = false;
    },
  };
}
