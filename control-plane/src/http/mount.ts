import type { Clock } from '@drover/shared/lib/clock';
import { digest } from '@drover/shared/lib/digest';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { IdempotencyKey } from '../core/change.ts';
import type { Store } from '../db/store.ts';
import { readJson } from './body.ts';
import { pass } from './gate.ts';
import { rememberAnswers } from './idempotency.ts';
import { senderOf } from './origin.ts';
import { createRefusals } from './refusals.ts';
import { reply } from './reply.ts';
import type { Answer, Call, Route } from './route.ts';
import { type Caller, callerOf } from './session.ts';

export interface MountContext {
  readonly store: Pick<Store, 'access' | 'audit' | 'rights' | 'task'>;
  readonly clock: Clock;
  /** The address at the other end of the connection, from what the runtime hands to fetch. */
  readonly addressOf: (env: unknown) => string | null;
}

/** Puts routes on the server. Every request to one of them passes the same gate, in the same order. */
export function mount(app: Hono, routes: readonly Route[], context: MountContext): void {
  const remember = rememberAnswers(context.clock);
  const tellRefusal = createRefusals(context.store.audit, context.clock);
  for (const route of routes) {
    const perform = async (c: Context): Promise<Response> => {
      const request = c.req.raw;
      const caller = await admit(route, request, context);
      const address = context.addressOf(c.env);
      let body: unknown;
      try {
        const parsed = await parse(route, c, caller);
        body = parsed.body;
        // What the address names is resolved once, here; a body that is not good is refused before that is looked at.
        const params = caller === null ? parsed.params : await pass(route, caller, paramsAndBody(parsed), context.store);
        const call = { ...parsed, params, action: `${route.method} ${route.path}`, address };
        return await remember(call.key, async () => respond(route, await route.run(call)));
      } catch (thrown) {
        await tellRefusal(thrown, { route, caller, body, address });
        throw thrown;
      }
    };
    app.on(route.method, honoPath(route.path), perform);
  }
}

/** A misspelt parameter is refused, also where there is none to misspell. */
const NO_QUERY = z.strictObject({});

export const honoPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

async function admit(route: Route, request: Request, context: MountContext): Promise<Caller | null> {
  if (route.right === 'public') return null;
  const caller = await callerOf(request, context.store, context.clock);
  if (!caller) throw new Problem('not-signed-in', 'sign in first', { suggestion: 'drover login prints a sign-in link' });
  // A cookie goes along with whatever page sends the request: only our own pages may change things with it.
  if (caller.by === 'cookie' && route.method !== 'GET' && senderOf(request) !== 'own') {
    throw new Problem('not-allowed', 'this request came from another page', {
      suggestion: 'programs use a token: Authorization: Bearer drv_…',
    });
  }
  return caller;
}

/** Sound: parameters are an object of what their schema makes of the address; a route without any has none. */
const paramsAndBody = ({ params, body }: Pick<Call, 'params' | 'body'>) => ({
  params: (params ?? {}) as Readonly<Record<string, unknown>>,
  body,
});

async function parse(route: Route, c: Context, caller: Caller | null): Promise<Omit<Call, 'address' | 'action'>> {
  const request = c.req.raw;
  const params = check(route.params, c.req.param(), 'the address');
  const query = check(route.query ?? NO_QUERY, singles(new URL(request.url).searchParams), 'the query');
  const body = route.body && check(route.body, await readJson(request), 'the body');
  // Sound: the cast only says that a public route has no caller, which `admit` has made so.
  return {
    params,
    query,
    body,
    caller: caller as Caller,
    request,
    ifMatch: ifMatchOf(route, request),
    key: keyOf(route, request, caller, { query, body }),
  };
}

function check(schema: z.ZodType | undefined, value: unknown, what: string): unknown {
  if (!schema) return undefined;
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw problemOfInput(parsed.error, what);
  return parsed.data;
}

function singles(search: URLSearchParams): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of search) {
    if (name in query) throw new Problem('bad-request', `${name}: given twice`, { field: name });
    query[name] = value;
  }
  return { ...query };
}

function ifMatchOf(route: Route, request: Request): number | undefined {
  const header = request.headers.get('if-match');
  if (header === null || header.trim() === '*') return undefined;
  if (!route.conditional) throw new Problem('bad-request', 'If-Match has no meaning here', { field: 'If-Match' });
  const generation = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header.trim())?.[1];
  if (generation === undefined) throw new Problem('bad-request', 'If-Match: a generation in quotes, as in ETag', { field: 'If-Match' });
  return Number(generation);
}

function keyOf(route: Route, request: Request, caller: Caller | null, input: unknown): IdempotencyKey | undefined {
  const key = request.headers.get('idempotency-key');
  if (key === null || route.method === 'GET' || !caller) return undefined;
  if (!/^[\x21-\x7e]{1,128}$/.test(key)) {
    throw new Problem('bad-request', 'Idempotency-Key: 1 to 128 visible ASCII characters', { field: 'Idempotency-Key' });
  }
  const path = new URL(request.url).pathname;
  return { key, userId: caller.user.id, method: route.method, path, bodyDigest: digest(input) };
}

function respond(route: Route, answer: Answer<unknown> | Response): Response {
  if (answer instanceof Response) return answer;
  return reply(JSON.stringify(answer.body), {
    status: route.status,
    headers: {
      'content-type': 'application/json',
      // What a host last said changes without a new generation: the ETag is for If-Match, not for caches.
      'cache-control': 'no-store',
      ...(answer.generation === undefined ? {} : { etag: `"${answer.generation}"` }),
      ...answer.headers,
    },
  });
}
