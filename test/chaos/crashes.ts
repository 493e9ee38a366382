import { Fleet } from './fleet.ts';
import { judge, OPERATIONS, type Operation, prepare, tidyUp } from './operations.ts';

export type Side = 'agent' | 'controlPlane';
export const SIDES: readonly Side[] = ['agent', 'controlPlane'];

/** One cell of the matrix: who died where in what, and what was wrong afterwards (null: nothing). */
export interface Cell {
  readonly operation: string;
  readonly fault: string;
  readonly wrong: string | null;
}

/** Steps may take another order than when they were counted, and there may be a few more. */
const MORE_STEPS = 2;

/** `kill -9` at every step of every operation, on either side; every `stride`-th one, beginning at another for each operation. */
export async function* crashAtEveryStep(stride: number, operations: readonly Operation[] = OPERATIONS): AsyncGenerator<Cell> {
  const fleet = await Fleet.start();
  let guests = 0;
  const newName = (): string => {
    guests += 1;
    return `g${guests}`;
  };
  try {
    for (const [index, operation] of operations.entries()) {
      for (const side of SIDES) {
        const steps = await countSteps(fleet, operation, side, newName());
        for (let step = 1 + (index % stride); step <= steps.length + MORE_STEPS; step += stride) {
          yield await crashAt(fleet, operation, side, step, newName());
        }
      }
    }
  } finally {
    await fleet.close();
  }
}

async function countSteps(fleet: Fleet, operation: Operation, side: Side, guest: string): Promise<readonly string[]> {
  await prepare(fleet, operation, guest);
  await fleet[side].count();
  await operation.ask(fleet, guest);
  await fleet.converged();
  const steps = await fleet[side].steps();
  await tidyUp(fleet);
  return steps;
}

async function crashAt(fleet: Fleet, operation: Operation, side: Side, step: number, guest: string): Promise<Cell> {
  const who = side === 'agent' ? 'agent' : 'control plane';
  let wrong: string | null = null;
  let armed = fleet[side];
  try {
    await prepare(fleet, operation, guest);
    const since = fleet.events().length;
    armed = fleet[side];
    await armed.arm(step);
    await operation.ask(fleet, guest);
    await fleet.converged();
    // Not yet, then not at all: what is looked at next shall not change under our eyes.
    if (armed.isRunning()) await armed.arm(0);
    await fleet.converged();
    wrong = await judge(fleet, operation, guest, since);
    await tidyUp(fleet);
  } catch (error) {
    wrong = error instanceof Error ? error.message : String(error);
  }
  const [where = `step ${step}, which did not come`] = /ended at step .*/.exec(armed.output()) ?? [];
  return { operation: operation.name, fault: `${who} ${where}`, wrong };
}
