import type { AffectedGuestsView } from '@drover/shared/api/upgrades';
import { GuestStatus } from '@drover/shared/model/guest';
import { GuestId } from '@drover/shared/model/id';
import { type Held, isKind } from './held.ts';

/** What a reboot or shutdown of their host means for the guests there, by name; those that do not run are not touched. */
export function affectedGuests(resources: readonly Held[]): AffectedGuestsView['items'] {
  return resources
    .filter(isKind('guest'))
    .filter(({ deletion }) => !deletion)
    .map(({ id, spec, status }) => ({
      id: GuestId.parse(Number(id)),
      name: spec.name,
      type: spec.type,
      power: GuestStatus.safeParse(status?.observed).data?.power ?? 'unknown',
      comesBack: spec.power === 'running' && spec.startAtBoot,
    }))
    .filter(({ power, comesBack }) => power !== 'stopped' || comesBack)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
