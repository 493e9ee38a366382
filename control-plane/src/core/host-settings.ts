import { isSameJson } from '@drover/shared/lib/digest';
import type { HostSpec } from '@drover/shared/model/host';
import type { WishWrite } from './change.ts';
import { isKind } from './held.ts';
import type { HostDecisionView } from './views.ts';

type Seen = Pick<HostDecisionView, 'host' | 'resources'>;

const settingsOf = ({ host, resources }: Seen) => resources.filter(isKind('host')).find(({ id }) => id === host.id);

/** Null: it is so already. A host of which nothing was ever set has no settings, so that an agent which knows none is not bothered. */
export function settingsWish(seen: Seen, given: HostSpec): WishWrite | null {
  const held = settingsOf(seen);
  const spec = withoutDefaults({ ...held?.spec, ...given });
  if (isSameJson(spec, held?.spec ?? {})) return null;
  const { id } = seen.host;
  return { kind: 'host', id, hostId: id, generation: (held?.generation ?? 0) + 1, spec, deletion: null };
}

/** The settings of a host that takes another's place: its own, and what the other had beside. That one's maintenance was its own. */
export function settingsAfter(fresh: Seen, old: Seen): WishWrite | null {
  const { maintenance: _maintenance, ...theirs } = settingsOf(old)?.spec ?? {};
  return settingsWish(fresh, { ...theirs, ...settingsOf(fresh)?.spec });
}

/** What equals the default is left out: an older agent refuses what it does not know. */
function withoutDefaults({ tags, notes, location, startDelayS, maintenance }: HostSpec): HostSpec {
  return {
    ...(tags && tags.length > 0 ? { tags: [...new Set(tags)] } : {}),
    ...(notes ? { notes } : {}),
    ...(location ? { location } : {}),
    ...(startDelayS ? { startDelayS } : {}),
    ...(maintenance ? { maintenance } : {}),
  };
}
