import { backoff } from '@drover/shared/lib/backoff';
import { realClock } from '@drover/shared/lib/clock';
import type { ProblemView } from '@drover/shared/lib/problem';
import { realRandom } from '@drover/shared/lib/random';

/** The control plane said no, or could not be reached (`problem` is null then). */
export class Refusal extends Error {
  readonly problem: ProblemView | null;

  constructor(problem: ProblemView | null, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'Refusal';
    this.problem = problem;
  }
}

/** What is wrong with a field, for beside it: the control plane names the field first, which its label does here. */
export const fieldDetail = (problem: ProblemView): string => {
  const lead = `${problem.field ?? ''}: `;
  return problem.detail.startsWith(lead) ? problem.detail.slice(lead.length) : problem.detail;
};

export const problemOf = (thrown: unknown): ProblemView | null => (thrown instanceof Refusal ? thrown.problem : null);

interface Options {
  readonly body?: unknown;
  /** The generation that an edit rests on. */
  readonly generation?: number;
  readonly signal?: AbortSignal;
}

const ATTEMPTS_MAX = 3;
/** What is not answered by then will not be: the network changed under it, or the machine slept. */
const ANSWER_MS_MAX = 30_000;
const signedOutListeners = new Set<() => void>();

/** Called when an answer says that the session has ended. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => signedOutListeners.delete(listener);
}

/**
 * One call of the REST API. `T` is the view that the route is declared to answer with: the page trusts its own control plane's
 * shapes and spends its first kilobytes on something else than checking them again.
 */
export async function call<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (options.generation !== undefined) headers['if-match'] = `"${options.generation}"`;
  // One key for all attempts: a write that arrived although its answer was lost is not done twice.
  if (method !== 'GET') headers['idempotency-key'] = realRandom.text(24);
  const body = options.body === undefined ? null : JSON.stringify(options.body);
  const { response, text } = await send(path, { method, headers, body }, options.signal);
  if (!response.ok) {
    if (response.status === 401 && path !== '/session') for (const listener of signedOutListeners) listener();
    throw new Refusal(readProblem(text), `${response.status} ${response.statusText}`);
  }
  // Sound as far as the route keeps the shape that it declares; see above.
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function send(path: string, init: RequestInit, signal: AbortSignal | undefined): Promise<{ response: Response; text: string }> {
  for (let attempts = 1; ; attempts += 1) {
    const late = new AbortController();
    const cancel = realClock.after(ANSWER_MS_MAX, () => late.abort(new Error('no answer')));
    try {
      const response = await fetch(`/api/v1${path}`, {
        ...init,
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      });
      return { response, text: await response.text() };
    } catch (error) {
      if (signal?.aborted) throw error;
      if (attempts >= ATTEMPTS_MAX) throw new Refusal(null, 'no connection', error);
      await realClock.sleep(backoff(attempts, realRandom.fraction(), { firstMs: 400, maxMs: 3_000 }));
    } finally {
      cancel();
    }
  }
}

function readProblem(text: string): ProblemView | null {
  try {
    const value: unknown = JSON.parse(text);
    // Our own control plane's problem documents; anything else (a proxy's page) has no code.
    return typeof value === 'object' && value !== null && 'code' in value ? (value as ProblemView) : null;
  } catch {
    return null;
  }
}

/** "?a=1&b=2" without the members that are absent. */
export function queryOf(parameters: Readonly<Record<string, string | number | null | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
