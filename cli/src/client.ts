import { randomUUID } from 'node:crypto';
import { ProblemView } from '@drover/shared/lib/problem';
import type { z } from 'zod';
import { messageOf, type Target } from './contexts.ts';
import { CliError } from './error.ts';

export const API = '/api/v1';
const ANSWER_MS = 60_000;
const TRIES = 3;
const RETRY_MS = 250;

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT';
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
  /** Sent as If-Match: refused when somebody changed the thing since. */
  readonly generation?: number | undefined;
  readonly timeoutMs?: number;
}

/** What the control plane answered: parsed for us, raw for --json. */
export interface Answer<T> {
  readonly value: T;
  readonly raw: unknown;
}

/** A control plane, as one person. */
export interface Client {
  readonly target: Target;
  call<S extends z.ZodType>(method: Method, path: string, schema: S, options?: CallOptions): Promise<Answer<z.output<S>>>;
  /** The answer as it comes, for streams; a refusal is thrown. */
  open(path: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response>;
  url(path: string, query?: Query): URL;
}

export function createClient(target: Target): Client {
  const url = (path: string, query: Query = {}) => {
    const address = new URL(API + path, target.url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(name, String(value));
    return address;
  };
  const authorization = `Bearer ${target.token}`;

  async function send(method: Method, address: URL, options: CallOptions): Promise<Response> {
    const headers: Record<string, string> = { authorization, accept: 'application/json' };
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    if (options.generation !== undefined) headers['if-match'] = `"${options.generation}"`;
    // The same key at each try: a write that had arrived is not done twice.
    if (method !== 'GET') headers['idempotency-key'] = randomUUID();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await fetch(address, {
          method,
          headers,
          ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
          signal: AbortSignal.timeout(options.timeoutMs ?? ANSWER_MS),
        });
      } catch (error) {
        if (attempt >= TRIES || !wasCutOff(error)) throw unreachable(target, error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS * attempt));
      }
    }
  }

  return {
    target,
    url,
    async call(method, path, schema, options = {}) {
      const response = await send(method, url(path, options.query), options);
      const raw = await bodyOf(response);
      if (!response.ok) throw refusal(response, raw, target);
      const parsed = schema.safeParse(raw);
      if (!parsed.success) throw notOurs(target, `${method} ${path}`, parsed.error);
      return { value: parsed.data, raw };
    },
    async open(path, headers, signal) {
      let response: Response;
      try {
        response = await fetch(url(path), { headers: { authorization, ...headers }, ...(signal ? { signal } : {}) });
      } catch (error) {
        throw unreachable(target, error);
      }
      if (!response.ok) throw refusal(response, await bodyOf(response), target);
      return response;
    },
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text().catch(() => '');
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function refusal(response: { readonly status: number }, raw: unknown, target: Target): CliError {
  const problem = ProblemView.safeParse(raw);
  if (!problem.success) {
    return new CliError(
      'failed',
      `${target.url} answered ${response.status}${typeof raw === 'string' && raw.length < 200 ? `: ${raw.trim()}` : ''}`,
    );
  }
  if (problem.data.code !== 'not-signed-in') return CliError.ofProblem(problem.data);
  return CliError.ofProblem({
    ...problem.data,
    suggestion: `the token of ${target.from} is not known to ${target.url}: run npm start again if it is on this machine, or add the context anew`,
  });
}

function unreachable(target: Target, error: unknown): CliError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const why = codeOf(cause) === 'ECONNREFUSED' ? 'nothing listens there' : messageOf(cause);
  return new CliError('unreachable', `the control plane ${target.url} (${target.from}) cannot be reached: ${why}`, {
    suggestion: 'is it running? npm start in the Drover folder starts it',
    cause: error,
  });
}

function notOurs(target: Target, what: string, error: z.ZodError): CliError {
  const issue = error.issues[0];
  const where = issue?.path.join('.') ?? '';
  return new CliError(
    'failed',
    `${target.url} answered ${what} with something this command does not understand${where ? ` (at ${where})` : ''}`,
    {
      suggestion: 'use the command line of the same version as the control plane',
      cause: error,
    },
  );
}

/** The connection broke after it had stood: the control plane may be restarting. */
function wasCutOff(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(cause) ?? '');
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
