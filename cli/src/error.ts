import type { ProblemCode, ProblemView } from '@drover/shared/lib/problem';

/** What the command line ends with; scripts may rely on it. `guest exec` ends with the command's own code instead. */
export const EXIT = { ok: 0, failed: 1, usage: 2, 'not-found': 3, conflict: 4, 'not-allowed': 5, unreachable: 6 } as const;
export type ExitName = keyof typeof EXIT;

const EXIT_OF_PROBLEM: Partial<Record<ProblemCode, ExitName>> = {
  'bad-request': 'usage',
  'not-signed-in': 'not-allowed',
  'not-allowed': 'not-allowed',
  'not-found': 'not-found',
  'gone': 'not-found',
  'name-taken': 'conflict',
  'conflict': 'conflict',
  'busy': 'conflict',
  'in-use': 'conflict',
  'wrong-state': 'conflict',
  'stale-generation': 'conflict',
};

/** An end that is told to the person in one or two lines, never as a stack trace. */
export class CliError extends Error {
  readonly exit: ExitName;
  readonly suggestion: string | undefined;
  /** What the control plane said, for --json. */
  readonly problem: ProblemView | undefined;

  constructor(exit: ExitName, message: string, options: { suggestion?: string | undefined; problem?: ProblemView; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CliError';
    this.exit = exit;
    this.suggestion = options.suggestion;
    this.problem = options.problem;
  }

  static ofProblem(problem: ProblemView): CliError {
    // Most details begin with the field already.
    const names = problem.field === undefined || problem.detail.includes(problem.field);
    const message = names ? problem.detail : `${problem.field}: ${problem.detail}`;
    return new CliError(EXIT_OF_PROBLEM[problem.code] ?? 'failed', message, { suggestion: problem.suggestion, problem });
  }
}
