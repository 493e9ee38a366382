import type { z } from 'zod';
import type { IdempotencyKey } from '../core/change.ts';
import type { Need } from './need.ts';
import type { Caller } from './session.ts';

/**
 * A route says all there is to know about itself: the server is mounted from it and the OpenAPI document is written from it.
 * `right` is required: a route that anybody may use says `public`, and checks whatever proof its body or headers carry by itself.
 */
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type Access = Need | 'self' | 'public';

type Fields = z.ZodObject | undefined;
type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What a handler gets: parsed input, and who asks. */
export interface Call<R extends Access = Access, P = unknown, Q = unknown, B = unknown> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: R extends 'public' ? null : Caller;
  readonly request: Request;
  /** What the route is: its method and path. */
  readonly action: string;
  /** The network address that the request came from, when it is known. */
  readonly address: string | null;
  /** The generation of If-Match; undefined: whatever is there. */
  readonly ifMatch: number | undefined;
  /** To be committed together with what this request does. */
  readonly key: IdempotencyKey | undefined;
}

export interface Answer<T> {
  readonly body: T;
  /** Sent as ETag. */
  readonly generation?: number;
  readonly headers?: Record<string, string>;
}

interface Description<R extends Access, P extends Fields, Q extends Fields> {
  readonly method: Method;
  /** `{name}` stands for one segment. */
  readonly path: string;
  readonly right: R;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly query?: Q;
}

interface JsonRoute<R extends Access, P extends Fields, Q extends Fields, B extends z.ZodType | undefined, T extends z.ZodType>
  extends Description<R, P, Q> {
  readonly body?: B;
  /** The body is not JSON but bytes, which the handler reads by itself. */
  readonly bytes?: string;
  readonly status?: 200 | 201 | 202;
  readonly response: T;
  /** If-Match is honoured; elsewhere it is refused rather than ignored. */
  readonly conditional?: boolean;
  handler(call: Call<R, Parsed<P>, Parsed<Q>, Parsed<B>>): Promise<Answer<z.output<T>>>;
}

interface RawRoute<R extends Access, P extends Fields, Q extends Fields> extends Description<R, P, Q> {
  readonly answers: { readonly status: number; readonly contentType: string | null; readonly description: string };
  handler(call: Call<R, Parsed<P>, Parsed<Q>, undefined>): Promise<Response> | Response;
}

/** A route with its types forgotten, as the server and the document need it. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly right: Access;
  readonly tag: string;
  readonly summary: string;
  readonly description: string | undefined;
  readonly params: z.ZodObject | undefined;
  readonly query: z.ZodObject | undefined;
  readonly body: z.ZodType | undefined;
  readonly bytes: string | undefined;
  readonly status: number;
  readonly response: z.ZodType | undefined;
  readonly contentType: string | null;
  readonly answerDescription: string;
  readonly conditional: boolean;
  readonly run: (call: Call) => Promise<Answer<unknown> | Response>;
}

export function route<
  R extends Access,
  T extends z.ZodType,
  P extends Fields = undefined,
  Q extends Fields = undefined,
  B extends z.ZodType | undefined = undefined,
>(definition: JsonRoute<R, P, Q, B, T>): Route {
  return {
    ...describe(definition),
    body: definition.body,
    bytes: definition.bytes,
    status: definition.status ?? 200,
    response: definition.response,
    contentType: 'application/json',
    answerDescription: definition.status === 202 ? 'Accepted: the task ends when the host has done it' : 'Done',
    conditional: definition.conditional ?? false,
    // Sound: the dispatcher has parsed params, query and body with these very schemas, and has a caller unless `right` is public.
    run: (call) => definition.handler(call as Call<R, Parsed<P>, Parsed<Q>, Parsed<B>>),
  };
}

/** A route whose answer is not a JSON document: nothing at all, a stream, a page. */
export function rawRoute<R extends Access, P extends Fields = undefined, Q extends Fields = undefined>(
  definition: RawRoute<R, P, Q>,
): Route {
  return {
    ...describe(definition),
    body: undefined,
    bytes: undefined,
    status: definition.answers.status,
    response: undefined,
    contentType: definition.answers.contentType,
    answerDescription: definition.answers.description,
    conditional: false,
    // Sound for the same reason as above.
    run: async (call) => definition.handler(call as Call<R, Parsed<P>, Parsed<Q>, undefined>),
  };
}

function describe(definition: Description<Access, Fields, Fields>) {
  const { method, path, right, tag, summary, description, params, query } = definition;
  return { method, path, right, tag, summary, description, params, query };
}
