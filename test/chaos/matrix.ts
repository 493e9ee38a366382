import type { Trial } from './cell.ts';
import { brokerDies, countSteps, crash, SIDES, type Side } from './crashes.ts';
import { faultsAround } from './faults.ts';
import { inFleets } from './fleets.ts';
import { OPERATIONS, type Operation } from './operations.ts';

/** The whole matrix, as far as it is wanted: steps are counted first. */
export async function trialsOf(isWanted: (trial: Trial) => boolean, fleets: number): Promise<readonly Trial[]> {
  const sweeps = OPERATIONS.flatMap((operation) =>
    SIDES.flatMap((side) => {
      const at = [crash, brokerDies].filter((make) => isWanted(make(operation, side, 1)));
      return at.length > 0 ? [{ operation, side, at }] : [];
    }),
  );
  const counts = await inFleets(
    sweeps.map(({ operation, side }) => ({ broker: 'embedded' as const, run: (fleet) => countSteps(fleet, operation, side) })),
    fleets,
  );
  const atSteps = sweeps.flatMap(({ operation, side, at }, index) =>
    at.flatMap((make) => Array.from({ length: counts[index] ?? 0 }, (_, before) => make(operation, side, before + 1))),
  );
  const all = [...atSteps, ...OPERATIONS.flatMap(faultsAround)];
  // A fleet is not changed for another kind more often than must be.
  return [...all.filter(({ broker }) => broker === 'embedded'), ...all.filter(({ broker }) => broker === 'mosquitto')];
}

/** Where a crash is worst: between what is said and what is durable, and between the parts of what is done. */
const QUICK_CRASHES: readonly (readonly [operation: string, side: Side, step: string])[] = [
  ['create', 'agent', 'journal guest.*, torn'],
  ['create', 'agent', 'make disk .*, after'],
  ['create with its image', 'agent', 'publish image .*, before'],
  ['edit', 'agent', 'journal guest.*, unsynced'],
  ['start', 'agent', 'start .*, after part 1'],
  ['start', 'agent', 'start .*, after part 2'],
  ['stop', 'agent', 'stop .*, after part 1'],
  ['reboot', 'agent', 'reboot .*, after part 1'],
  ['exec', 'agent', 'journal task.*, after'],
  ['delete', 'agent', 'remove .*, after part 1'],
  ['create', 'controlPlane', 'commit, after'],
  ['reboot', 'controlPlane', 'publish command, after'],
  ['delete', 'controlPlane', 'publish reply, before'],
];
const QUICK_BROKER_DEATHS: typeof QUICK_CRASHES = [
  ['create', 'controlPlane', 'publish command, before'],
  ['edit', 'agent', 'send, after'],
];
const QUICK_FAULTS: readonly (readonly [operation: string, column: string])[] = [
  ['stop', 'frozen control plane'],
  ['create', 'cut wire'],
  ['start', 'mute wire, down'],
  ['exec', 'doubled messages, control plane'],
  ['reboot', 'reordered messages, control plane'],
  ['delete', 'forged messages, control plane'],
  ['create', 'full disk, host'],
  ['edit', 'full disk, control plane'],
  ['stop', 'replayed a day later'],
  ['start', "host's clock jumping"],
  ['edit', 'torn journal file'],
  ['edit', 'flipped bit in a journal file'],
  ['start', 'old journal'],
  ['delete', 'old journal'],
  ['create', 'old database'],
  ['cancel a creation', 'doubled messages, host'],
  ['shutdown', 'broker away (Mosquitto)'],
  ['delete', 'forged messages, control plane (Mosquitto)'],
];

export function quickTrials(): readonly Trial[] {
  const named = (name: string): Operation => {
    const found = OPERATIONS.find((operation) => operation.name === name);
    if (!found) throw new Error(`there is no operation "${name}"`);
    return found;
  };
  return [
    ...QUICK_CRASHES.map(([operation, side, step]) => crash(named(operation), side, step)),
    ...QUICK_FAULTS.map(([operation, column]) => {
      const found = faultsAround(named(operation)).find((trial) => trial.column === column);
      if (!found) throw new Error(`there is no fault "${column}"`);
      return found;
    }),
    ...QUICK_BROKER_DEATHS.map(([operation, side, step]) => brokerDies(named(operation), side, step)),
  ];
}
