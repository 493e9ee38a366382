import { z } from 'zod';

/** Every way a request or a step can end badly. A closed list: clients may branch on it. The number is the HTTP status. */
export const PROBLEM_STATUS = {
  'bad-request': 400,
  'not-signed-in': 401,
  'not-allowed': 403,
  'not-found': 404,
  'name-taken': 409,
  'conflict': 409,
  'busy': 409,
  'in-use': 409,
  'wrong-state': 409,
  'over-quota': 409,
  'method-not-allowed': 405,
  'gone': 410,
  'stale-generation': 412,
  'too-large': 413,
  'unsupported': 422,
  'checksum-mismatch': 422,
  'idempotency-key-reused': 422,
  'too-many-requests': 429,
  'internal': 500,
  'host-failed': 502,
  'host-away': 503,
  'no-host': 503,
  'no-space': 507,
  'timeout': 504,
  'cancelled': 499,
} as const;

export type ProblemCode = keyof typeof PROBLEM_STATUS;
const CODES = Object.keys(PROBLEM_STATUS) as [ProblemCode, ...ProblemCode[]];

/** RFC 9457 problem details, as sent over HTTP, in reports and in tasks. */
export const ProblemView = z.object({
  code: z.enum(CODES),
  status: z.number().int(),
  title: z.string(),
  /** What was wrong, in words for the person who asked. */
  detail: z.string(),
  /** What to do about it. */
  suggestion: z.string().optional(),
  /** The field at fault, as a path: "memoryBytes", "disks.0.sizeBytes". */
  field: z.string().optional(),
  retryable: z.boolean(),
});
export type ProblemView = z.infer<typeof ProblemView>;

/** The same as an agent says it, which may be newer and know of more ways to end badly than we do. */
export const ReportedProblem = ProblemView.extend({ code: z.enum(CODES).catch('host-failed') });

interface ProblemOptions {
  readonly suggestion?: string | undefined;
  readonly field?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterS?: number | undefined;
  readonly cause?: unknown;
}

/** A request or step that cannot go on. Caught in four places only: HTTP onError, receive, the step runner, main. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly suggestion: string | undefined;
  readonly field: string | undefined;
  readonly retryable: boolean;
  /** When to come again, where that is known: travels as Retry-After. */
  readonly retryAfterS: number | undefined;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.suggestion = options.suggestion;
    this.field = options.field;
    this.retryable = options.retryable ?? false;
    this.retryAfterS = options.retryAfterS;
  }

  view(): ProblemView {
    return {
      code: this.code,
      status: PROBLEM_STATUS[this.code],
      title: this.code.replaceAll('-', ' '),
      detail: this.message,
      ...(this.suggestion === undefined ? {} : { suggestion: this.suggestion }),
      ...(this.field === undefined ? {} : { field: this.field }),
      retryable: this.retryable,
    };
  }

  /** Whatever was thrown, as a Problem; what is not one already is a bug of ours or of a library, so `internal`. */
  static from(thrown: unknown): Problem {
    if (thrown instanceof Problem) return thrown;
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return new Problem('internal', detail, { cause: thrown });
  }
}

/** The Problem for input that a schema refused: names the first field at fault. */
export function problemOfInput(error: z.ZodError, what: string): Problem {
  const issue = error.issues[0];
  const field = issue?.path.map(String).join('.') ?? '';
  const unknownKeys = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : undefined;
  const detail = unknownKeys === undefined ? `${field || what}: ${issue?.message ?? 'not valid'}` : `${what}: unknown field ${unknownKeys}`;
  return new Problem('bad-request', detail, { field: unknownKeys ?? (field || undefined) });
}
