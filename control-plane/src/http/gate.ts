import type { Privilege } from '@drover/shared/access/privilege';
import { Problem } from '@drover/shared/lib/problem';
import type { Task } from '../core/held.ts';
import { cancels } from '../core/permitted.ts';
import { BELOW, type Below, type Rights } from '../core/rights-of.ts';
import { ACCESS, EVERYTHING, SEES, type ThingKind, thingOf } from '../core/things.ts';
import type { Store } from '../db/store.ts';
import type { FoundThing } from '../db/things.ts';
import type { Need } from './need.ts';
import type { Route } from './route.ts';
import type { Caller } from './session.ts';

type Params = Readonly<Record<string, unknown>>;
type NeedOf<O extends Need['on']> = Extract<Need, { on: O }>;
type Sources = Pick<Store, 'rights' | 'task'>;

/**
 * Decides whether the caller gets past, for every route alike. Gives the address's parameters with the id of the thing in place of its
 * name: what was decided about is what will be acted on. To whom may not see a thing it is not there.
 */
export async function pass(route: Route, caller: Caller, input: { params: Params; body: unknown }, store: Sources): Promise<Params> {
  const need = route.right;
  const { params, body } = input;
  if (typeof need === 'string') return params;
  switch (need.on) {
    case 'everything':
      demand(caller.rights.may(need.privilege, EVERYTHING), need.privilege, 'everything');
      return params;
    case 'access':
      demand(caller.rights.may(need.privilege, ACCESS), need.privilege, '/access');
      return params;
    case 'somewhere':
      // A list is only shorter; what would be refused everywhere is refused at once.
      if (route.method !== 'GET') demand(mayAnywhere(caller.rights, need.privilege), need.privilege, 'anything');
      return params;
    case 'task':
      await passTask(need, caller, String(params[need.param]), store);
      return params;
    case 'thing':
      return { ...params, ...(await passThing(need, caller.rights, String(params[need.param]), body, store)) };
  }
}

async function passThing(need: NeedOf<'thing'>, rights: Rights, ref: string, body: unknown, store: Sources): Promise<Params> {
  const privileges = typeof need.privilege === 'string' ? [need.privilege] : privilegesFor(need.privilege, body);
  const isWhole = hasOnAll(rights, need.kind, SEES[need.kind]);
  // Nothing to look up for who may do this to all of them.
  if (isWhole && privileges.every((privilege) => hasOnAll(rights, need.kind, privilege))) return {};
  const visible = (await store.rights.find(need.kind, ref)).filter(({ id, where }) => rights.sees(need.kind, id, where));
  const [thing, ...others] = visible;
  // Who sees all of them is told by the route itself whether it was deleted, or what is like it.
  if (!thing) {
    if (isWhole) return {};
    throw notThere(need.kind, ref);
  }
  if (others.length > 0) throw ambiguous(need.kind, ref, visible);
  for (const privilege of privileges)
    demand(rights.may(privilege, thingOf(need.kind, thing.id, thing.where)), privilege, `${need.kind} ${thing.name}`);
  return { [need.param]: thing.id };
}

/** An edit that changes nothing needs what any edit may need. */
function privilegesFor(byField: { readonly [field: string]: Privilege }, body: unknown): Privilege[] {
  const given = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  const asked = given.flatMap((field) => byField[field] ?? []);
  return [...new Set(asked.length > 0 ? asked : Object.values(byField).slice(0, 1))];
}

async function passTask(need: NeedOf<'task'>, { user, rights }: Caller, ref: string, store: Sources): Promise<void> {
  const record = await store.task(ref);
  const isSeen = record !== null && (await seesTask(record.task, user.name, rights, store));
  if (record === null || !isSeen) throw notThere('task', ref);
  if (need.act === 'see' || record.task.createdBy === user.name) return;
  const { kind, id } = record.task.target;
  const privilege = cancels(kind);
  const [target] = kind === 'task' ? [] : await store.rights.find(kind, id);
  const may = target && kind !== 'task' ? rights.may(privilege, thingOf(kind, target.id, target.where)) : rights.may(privilege, EVERYTHING);
  demand(may, privilege, `${kind} ${record.task.targetName}`);
}

/** Who began it, and who sees what it is about. */
export async function seesTask(task: Task, name: string, rights: Rights, store: Pick<Sources, 'rights'>): Promise<boolean> {
  if (task.createdBy === name) return true;
  const { kind, id } = task.target;
  if (kind === 'task') return false;
  const [target] = await store.rights.find(kind, id);
  return rights.sees(kind, target?.id ?? id, target?.where ?? { hostId: task.hostId, pool: null, tags: [], storageId: null });
}

const hasOnAll = (rights: Rights, kind: ThingKind, privilege: Privilege): boolean =>
  kind === 'pool' ? rights.may(privilege, EVERYTHING) : rights.within(privilege, BELOW[kind]) === null;

const BELOW_OF: Readonly<Record<string, Below>> = { VM: '/vms', Sys: '/nodes', Datastore: '/storage', SDN: '/network' };

/** Of a privilege on other things than these, the handler asks. */
function mayAnywhere(rights: Rights, privilege: Privilege): boolean {
  const below = BELOW_OF[privilege.slice(0, privilege.indexOf('.'))];
  return below === undefined || rights.mayAnywhere(privilege, below);
}

/** Word for word what somebody reads who may see everything, where there is nothing. */
export const notThere = (kind: string, ref: string): Problem => new Problem('not-found', `there is no ${kind} ${ref}`, { field: kind });

const ambiguous = (kind: string, ref: string, visible: readonly FoundThing[]): Problem =>
  new Problem('conflict', `${visible.length} ${kind}s are called ${ref}`, {
    field: kind,
    suggestion: `use an id: ${visible.map(({ id }) => id).join(', ')}`,
  });

export function demand(may: boolean, privilege: Privilege, what: string): void {
  if (may) return;
  throw new Problem('not-allowed', `this needs ${privilege} on ${what}, which you do not have`, {
    suggestion: 'who grants rights there can give you a role that has it; drover access explain tells what you have and why',
  });
}

/** The id of a second host that a request is about, in its body: as much is asked of it as of the first. */
export async function hostFor(privilege: Privilege, ref: string, rights: Rights, store: Pick<Sources, 'rights'>): Promise<string> {
  const [found] = await store.rights.find('host', ref);
  if (!found || !rights.sees('host', found.id, found.where)) throw notThere('host', ref);
  demand(rights.may(privilege, thingOf('host', found.id)), privilege, `host ${found.name}`);
  return found.id;
}
