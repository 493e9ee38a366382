import type { Random } from '@drover/shared/lib/random';
import { newId } from '@drover/shared/model/id';
import { AT_ONCE_MAX, advanceFleetUpgrade } from '../core/fleet-upgrade.ts';
import type { Store } from '../db/store.ts';
import type { Dispatcher } from './dispatch.ts';
import { performer } from './perform.ts';

/** Brings each upgrade of many hosts on by as much as is due. */
export async function advanceFleetUpgrades(
  store: Store,
  dispatcher: Pick<Dispatcher, 'nudge'>,
  random: Random,
  nowMs: number,
): Promise<void> {
  const perform = performer(store, dispatcher.nudge);
  for (const id of await store.fleet.unfinishedUpgrades()) {
    await perform(
      () => store.fleet.upgrade(id),
      (view) => {
        const ids = Array.from({ length: AT_ONCE_MAX }, () => newId('task', random));
        return view ? advanceFleetUpgrade(view, ids, nowMs) : { change: { by: 'drover', atMs: nowMs }, answer: null };
      },
    );
  }
}
