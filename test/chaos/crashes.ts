import type { Trial } from './cell.ts';
import type { BrokerKind, Fleet } from './fleet.ts';
import { type Operation, prepare, tidyUp } from './operations.ts';

export type Side = 'agent' | 'controlPlane';
export const SIDES: readonly Side[] = ['agent', 'controlPlane'];
const NAMES = { agent: 'agent', controlPlane: 'control plane' } as const;

/** Steps may take another order than when they were counted, and there may be a few more. */
const MORE_STEPS = 2;

/** The steps that a side takes for an operation when nothing goes wrong. */
export async function countSteps(fleet: Fleet, operation: Operation, side: Side): Promise<number> {
  const guest = fleet.newName();
  await prepare(fleet, operation, guest);
  await fleet[side].count();
  await operation.ask(fleet, guest);
  await fleet.converged();
  const steps = await fleet[side].steps();
  await tidyUp(fleet);
  return steps.length + MORE_STEPS;
}

/** `kill -9` of one side at its n-th step, or at the first one of a name. */
export function crash(operation: Operation, side: Side, at: number | string, broker: BrokerKind = 'embedded'): Trial {
  return {
    operation,
    column: `${NAMES[side]} dies`,
    broker,
    async strike(fleet, ask) {
      const doomed = fleet[side];
      await doomed.doom('crash', at);
      await ask();
      await fleet.converged();
      // Not yet, then not at all: what is looked at next shall not change under our eyes.
      if (doomed.isRunning()) await doomed.count();
      return `${NAMES[side]} ${fateOf(doomed.fate(), at)}`;
    },
  };
}

/** `kill -9` of the broker when one side is at its n-th step: it stands still there until the broker is dead, and meets the next one. */
export function brokerDies(operation: Operation, side: Side, at: number | string): Trial {
  return {
    operation,
    column: `broker dies, ${NAMES[side]}'s steps`,
    broker: 'mosquitto',
    async strike(fleet, ask) {
      const witness = fleet[side];
      await witness.doom('hold', at);
      const done = ask().then(() => fleet.converged());
      done.catch(() => {});
      const isHeld = await Promise.race([done.then(() => false), witness.held().then(() => true)]);
      if (isHeld) {
        await fleet.broker?.stop();
        witness.signal('SIGCONT');
        await fleet.broker?.start();
      }
      await done;
      // It may have come there only now.
      const isOver = witness.count();
      if (!isHeld) await Promise.race([isOver, witness.held()]);
      witness.signal('SIGCONT');
      await isOver;
      return `broker died when the ${NAMES[side]} ${fateOf(witness.fate(), at)}`;
    },
  };
}

/** What is named must come: a cell in which nothing happened shows nothing. A number may lie beyond the last one. */
function fateOf(fate: string | null, at: number | string): string {
  if (fate) return fate;
  if (typeof at === 'string') throw new Error(`there was no step "${at}"`);
  return `did not come to step ${at}`;
}
