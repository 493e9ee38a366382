import type { Thing } from '@drover/shared/access/scope';
import { DroverScope } from '@drover/shared/access/scope';
import { Problem } from '@drover/shared/lib/problem';
import type { Principal } from '../core/rights.ts';
import type { Rights } from '../core/rights-of.ts';
import { type ThingKind, thingOf } from '../core/things.ts';
import type { Store } from '../db/store.ts';
import type { FoundThing } from '../db/things.ts';

const KINDS: Readonly<Record<string, ThingKind>> = { vms: 'guest', nodes: 'host', storage: 'storage', network: 'network', pool: 'pool' };

/** A scope as it is kept, what is asked about there, and what people call it. */
export interface Scope {
  readonly path: string;
  readonly thing: Thing;
  readonly name: string | null;
}

type Sees = (kind: ThingKind, found: FoundThing) => boolean;

/** What somebody typed: things by name or id. Throws Problem: no such scope, or nothing there. */
export async function scopeNamed(typed: string, { rights }: Pick<Store, 'rights'>): Promise<Scope> {
  const found = await lookedUp(typed, rights);
  if (found) return found;
  throw nothingAt(typed, 'scope');
}

/** As scopeNamed, and what they may not see is not there. */
export async function scopeSeen(typed: string, field: string, asker: Rights, { rights }: Pick<Store, 'rights'>): Promise<Scope> {
  const found = await lookedUp(typed, rights, field, (kind, { id, where }) => asker.sees(kind, id, where));
  if (found) return found;
  throw nothingAt(typed, field);
}

/** As it is kept. What is gone has no name, and is asked about as it stands. */
export async function scopeKept(path: string, { rights }: Pick<Store, 'rights'>): Promise<Scope> {
  return (await lookedUp(path, rights)) ?? { path, thing: { path, memberOf: [] }, name: null };
}

/** As it is kept, if it is there and they may see it. */
export const scopeKeptSeen = (path: string, asker: Rights, { rights }: Pick<Store, 'rights'>): Promise<Scope | null> =>
  lookedUp(path, rights, 'path', (kind, { id, where }) => asker.sees(kind, id, where));

const nothingAt = (typed: string, field: string): Problem =>
  new Problem('not-found', `there is nothing at ${typed}`, { field, suggestion: 'drover guest list, host list, pool list' });

async function lookedUp(typed: string, { find }: Store['rights'], field = 'scope', sees: Sees = () => true): Promise<Scope | null> {
  const [, top = '', ref] = /^\/([a-z]+)\/(.+)$/.exec(typed) ?? [];
  const kind = KINDS[top];
  if (kind !== undefined && ref !== undefined) {
    const [found, other] = (await find(kind, ref)).filter((each) => sees(kind, each));
    if (!found) return null;
    if (other) throw new Problem('conflict', `several are called ${ref}`, { field, suggestion: 'use an id' });
    const thing = thingOf(kind, found.id, found.where);
    return { path: thing.path, thing, name: found.name === found.id ? null : found.name };
  }
  const scope = DroverScope.safeParse(typed);
  if (!scope.success) throw new Problem('bad-request', `${field}: ${scope.error.issues[0]?.message ?? 'not a scope'}`, { field });
  return { path: scope.data, thing: { path: scope.data, memberOf: [] }, name: null };
}

/** "user:anna", "group:ops", "token:anna!ci": each by name or id. */
export async function principalNamed(
  who: string,
  { access, rights }: Pick<Store, 'access' | 'rights'>,
): Promise<Principal & { name: string }> {
  const [kind = '', ref = ''] = who.split(/:(.*)/s);
  if (kind === 'user') {
    const user = await access.user(ref);
    if (user) return { kind, id: user.id, name: user.name };
  }
  if (kind === 'group') {
    const found = await rights.group(ref);
    if (found) return { kind, id: found.group.id, name: found.group.name };
  }
  if (kind === 'token') {
    const { facts } = await rights.facts();
    const [owner, name] = ref.split(/!(.*)/s);
    const isOwner = facts.users.filter((user) => user.name === owner || user.id === owner).map(({ id }) => id);
    const token = facts.tokens.find((each) => each.id === ref || (isOwner.includes(each.owner) && each.name === name));
    if (token) return { kind, id: token.id, name: ref };
  }
  throw nobodyCalled(who);
}

export const nobodyCalled = (who: string): Problem =>
  new Problem('not-found', `there is no ${who.replace(':', ' ')}`, {
    field: 'who',
    suggestion: 'drover user list, drover group list, drover token list',
  });
