import { Problem } from '@drover/shared/lib/problem';
import { grantsOf, mayStandIn } from '../core/access.ts';
import type { User } from '../db/access-store.ts';
import type { Store } from '../db/store.ts';
import { scopeKept } from './scope-names.ts';
import type { Caller } from './session.ts';

/**
 * Only who has all that somebody has may act for them: sign them in, reset what they prove themselves with, shut them out. Otherwise the
 * right to look after people would be the right to become any of them.
 */
export async function demandStandIn(caller: Caller, user: User, store: Pick<Store, 'rights'>): Promise<void> {
  const { rights } = caller;
  const scopes = [...new Set(grantsOf(rights.facts, user.id).map(({ scope }) => scope))];
  const things = new Map(await Promise.all(scopes.map(async (scope) => [scope, (await scopeKept(scope, store)).thing] as const)));
  if (mayStandIn(rights, user.id, (scope) => things.get(scope) ?? { path: scope, memberOf: [] })) return;
  throw new Problem('not-allowed', `${user.name} has rights that you do not have, or you may not look after people`, {
    suggestion: 'ask somebody who has them all, such as an owner',
  });
}
