import type { Resource } from '@drover/shared/model/resource';
import { z } from 'zod';
import type { SimulatedHost } from '../simulated-host.ts';
import type { Scene, Watch } from './watch.ts';

const Wished = z.object({ power: z.string(), powerRequest: z.number(), startAtBoot: z.boolean() });
const wishedOf = (resource: Resource | undefined) => Wished.safeParse(resource?.spec).data;

/** The agent waits two minutes for the control plane after a boot, and up to five after a crash that was not the first. */
const DOWN_MS_MAX = 330_000;

/**
 * L3: guests need nobody. An agent ends one only while its newest wish says so: not for an old wish, not for want of one, not
 * because the control plane is silent. And one that shall run is started by the agent alone, however long nobody else is there.
 */
export function watchStandalone({ judge, hosts, timeline }: Scene): Watch {
  /** Since when a guest that shall run does not, and nothing that can be seen keeps it from that. */
  const down = new Map<string, number>();
  return {
    machine(host, event) {
      if (event.do !== 'guest-ending') return;
      const { guestId, how } = event;
      const wish = host.journal?.get({ kind: 'guest', id: String(guestId) })?.resource;
      const power = wishedOf(wish)?.power;
      const isWished = wish !== undefined && (wish.deletion !== null || (power !== undefined && power !== 'running'));
      judge.check(isWished, `guest ${guestId} on ${host.name} met with a ${how}, but its wish is ${power ?? 'not there'}`);
    },
    often() {
      for (const host of hosts) {
        const isDown = new Set(guestsDown(host).map((id) => `guest ${id} on ${host.name}`));
        for (const key of down.keys()) if (key.endsWith(` ${host.name}`) && !isDown.has(key)) down.delete(key);
        for (const key of isDown) {
          const sinceMs = down.get(key) ?? timeline.nowMs;
          down.set(key, sinceMs);
          const forMs = timeline.nowMs - sinceMs;
          judge.check(
            forMs <= DOWN_MS_MAX,
            `${key} shall run, and has not for ${Math.round(forMs / 1_000)} s though nothing keeps it from that`,
          );
        }
      }
    },
  };
}

/** Those that were made, shall run, did not end by their own will, and do not run. */
function guestsDown({ journal, machine, weather }: SimulatedHost): readonly string[] {
  if (!weather.isCalm) return [];
  return (journal?.all() ?? []).flatMap(({ resource }) => {
    const wish = resource.kind === 'guest' && !resource.deletion ? wishedOf(resource) : undefined;
    if (wish?.power !== 'running' || machine.running.has(Number(resource.id)) || weather.poisoned.has(resource.id)) return [];
    const storage = [...machine.storages.values()].find(({ folders }) => folders.has(Number(resource.id)));
    const folder = storage?.folders.get(Number(resource.id));
    if (!storage || storage.away || !folder?.definition) return [];
    const { run } = folder;
    const mayStayOff = run?.powerRequest === wish.powerRequest && (run.end === 'self' || (run.end === 'host' && !wish.startAtBoot));
    return mayStayOff ? [] : [resource.id];
  });
}
