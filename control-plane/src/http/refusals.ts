import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { rateLimited } from '@drover/shared/lib/rate-limited';
import type { AuditFacts } from '@drover/shared/model/audit';
import type { AuditStore } from '../db/audit-store.ts';
import { doerOf } from './act.ts';
import type { Route } from './route.ts';
import type { Caller } from './session.ts';

export interface Refused {
  readonly route: Pick<Route, 'method' | 'path' | 'right' | 'tag'>;
  readonly caller: Caller | null;
  /** As far as it was read. */
  readonly body: unknown;
  readonly address: string | null;
}

/** Tells the record of what somebody was refused, and of sign-ins that came to nothing. */
export type TellRefusal = (thrown: unknown, refused: Refused) => Promise<void>;

/** The same refusal once a minute, sixty of all kinds: nobody shall fill a disk by trying. What was left out is counted in the next. */
export function createRefusals(audit: Pick<AuditStore, 'add'>, clock: Clock): TellRefusal {
  let words = '';
  const limited = rateLimited((line) => {
    words = line;
  }, clock);

  return async (thrown, refused) => {
    const facts = thrown instanceof Problem ? factsOf(thrown, refused, clock.now()) : null;
    if (!facts) return;
    words = '';
    limited(`${facts.who} ${facts.action} ${facts.address} ${facts.detail}`, facts.detail ?? '');
    if (words !== '') await audit.add({ ...facts, detail: words });
  };
}

function factsOf(problem: Problem, { route, caller, body, address }: Refused, atMs: number): AuditFacts | null {
  const action = `${route.method} ${route.path}`;
  const common = { atMs, kind: null, id: null, name: null, generation: null, taskId: null, detail: problem.message };
  if (caller && problem.code === 'not-allowed') return { ...common, ...doerOf({ caller, action, address }), outcome: 'refused' };
  const isSignIn = route.right === 'public' && route.tag === 'session' && route.method === 'POST';
  if (!isSignIn || !['not-signed-in', 'not-allowed', 'too-many-requests'].includes(problem.code)) return null;
  return { ...common, who: nameIn(body), whoId: null, via: 'a browser', tokenId: null, address, action: 'sign in', outcome: 'failed' };
}

/** What they called themselves: any text, of which the record keeps little. */
const nameIn = (body: unknown): string =>
  typeof body === 'object' && body !== null && 'name' in body && typeof body.name === 'string' ? body.name.slice(0, 64) : 'somebody';
