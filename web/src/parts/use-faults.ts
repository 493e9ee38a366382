import type { ProblemView } from '@drover/shared/lib/problem';
import { type RefObject, useState } from 'react';
import { fieldDetail, problemOf } from '../api.ts';
import { useFaultFocus } from '../kit/use-fault-focus.ts';

type Faults = Readonly<Record<string, string>>;

interface FormFaults {
  readonly form: RefObject<HTMLFormElement | null>;
  /** What was wrong before anything was sent, by field. */
  readonly setFaults: (faults: Faults) => void;
  /** What is to be said beside a field. */
  readonly fault: (field: string) => string | undefined;
  /** Of the answer; null also when there was none. */
  readonly problem: ProblemView | null;
  /** The sending failed, and no field is to blame. */
  readonly failed: boolean;
}

/** What is wrong with what was typed into a form: found here or, when it was sent, by the control plane. `placed`: the fields that say it themselves. */
export function useFaults(error: unknown, placed: readonly string[]): FormFaults {
  const [faults, setFaults] = useState<Faults>({});
  const form = useFaultFocus(faults, error);
  const problem = problemOf(error);
  const named = problem?.field?.split('.')[0];
  const isPlaced = named !== undefined && placed.includes(named);
  const fault = (field: string): string | undefined =>
    faults[field] ?? (problem !== null && isPlaced && named === field ? fieldDetail(problem) : undefined);
  return { form, setFaults, fault, problem, failed: error !== null && !isPlaced };
}
