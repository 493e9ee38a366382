import { z } from 'zod';
import type { Scene, Watch } from './watch.ts';

const Wished = z.object({ power: z.string() });

/** L3: guests need nobody. An agent ends one only while its newest wish says so: not for an old wish, not for want of one, not because the control plane is silent. */
export function watchStandalone({ judge }: Scene): Watch {
  return {
    machine(host, event) {
      if (event.do !== 'guest-ending') return;
      const { guestId, how } = event;
      const wish = host.journal?.get({ kind: 'guest', id: String(guestId) })?.resource;
      const power = Wished.safeParse(wish?.spec).data?.power;
      const isWished = wish !== undefined && (wish.deletion !== null || (power !== undefined && power !== 'running'));
      judge.check(isWished, `guest ${guestId} on ${host.name} met with a ${how}, but its wish is ${power ?? 'not there'}`);
    },
  };
}
