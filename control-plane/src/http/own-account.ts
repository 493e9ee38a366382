import { Problem } from '@drover/shared/lib/problem';
import type { Caller } from './session.ts';

const AFTER_LINK_MS = 15 * 60_000;
const FRESH_MS = 60 * 60_000;

/** A token is for programs: a stolen one must not become a password. */
export function requireSession({ token }: Caller): void {
  if (token.kind === 'session') return;
  throw new Problem('not-allowed', 'a token cannot change how its user signs in', { suggestion: 'sign in with a browser' });
}

/** How one signs in is changed by who has just shown that they can: a browser left open is not enough. */
export function requireFreshSession(caller: Caller, nowMs: number): void {
  requireSession(caller);
  if (nowMs - caller.token.createdAtMs < FRESH_MS || caller.token.setupOnly) return;
  throw new Problem('not-allowed', 'you signed in more than an hour ago', { suggestion: 'sign in again, then change how you sign in' });
}

export const cameByLinkJustNow = ({ token }: Caller, nowMs: number): boolean =>
  token.kind === 'session' && token.way === 'link' && nowMs - token.createdAtMs < AFTER_LINK_MS;
