import { setTimeout as pause } from 'node:timers/promises';
import type { BrokerKind, Fleet } from './fleet.ts';
import { judge, type Operation, prepare, tidyUp } from './operations.ts';

/** One cell of the matrix: what went wrong around what, and what was not as it must be afterwards (null: all was). */
export interface Cell {
  readonly operation: string;
  readonly column: string;
  readonly fault: string;
  readonly wrong: string | null;
  readonly tookMs: number;
}

/** A cell that is still to be filled in. */
export interface Trial {
  readonly operation: Operation;
  readonly column: string;
  readonly broker: BrokerKind;
  /** Asks for the operation, does its worst meanwhile, mends it, and says what that was. */
  strike(fleet: Fleet, ask: () => Promise<void>): Promise<string>;
  /** It undoes an acknowledged write, as a restored backup does: what remains is that everything agrees in the end. */
  readonly forgets?: boolean;
}

/** Many times longer than any takes: what hangs shall not pass for what goes well. */
const TRIAL_MS = 300_000;

/** Carries a trial out in a fleet in which all is well, and leaves it so. */
export async function fill(trial: Trial, fleet: Fleet): Promise<Cell> {
  const { operation, column } = trial;
  const beganAtMs = Date.now();
  const guest = fleet.newName();
  let fault = column;
  let wrong: string | null = null;
  async function attempt(): Promise<void> {
    await prepare(fleet, operation, guest);
    const since = fleet.events().length;
    fault = await trial.strike(fleet, () => operation.ask(fleet, guest));
    await fleet.converged();
    wrong = trial.forgets ? null : await judge(fleet, operation, guest, since);
    await tidyUp(fleet);
  }
  const inTime = new AbortController();
  const tooLate = pause(TRIAL_MS, null, { signal: inTime.signal }).then(() => {
    throw new Error(`it did not come to an end within ${TRIAL_MS / 1_000} s`);
  });
  try {
    await Promise.race([attempt(), tooLate]);
  } catch (error) {
    wrong = error instanceof Error ? error.message : String(error);
  }
  if (wrong) wrong += fleet.lastWords();
  inTime.abort();
  fleet.isSpoilt = wrong !== null;
  return { operation: operation.name, column, fault, wrong, tookMs: Date.now() - beganAtMs };
}
