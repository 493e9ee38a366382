import { PRIVILEGES, Privilege } from '@drover/shared/access/privilege';
import { BUILT_IN_ROLES } from '@drover/shared/access/role';
import { DroverScope } from '@drover/shared/access/scope';
import { CreateGrant, CreateRole, GrantsView, GrantView, RolesView, RoleView } from '@drover/shared/api/access';
import { Problem } from '@drover/shared/lib/problem';
import { newId } from '@drover/shared/model/id';
import { z } from 'zod';
import { addGrant, removeGrant, removeRole, setRole } from '../../core/access.ts';
import type { CustomRole } from '../../core/rights.ts';
import type { GrantRecord } from '../../db/rights-store.ts';
import { actor } from '../act.ts';
import { askerOf } from '../ask.ts';
import type { AppDeps } from '../deps.ts';
import { onAccess } from '../need.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { principalNamed, scopeKept, scopeNamed } from '../scope-names.ts';
import { Ref } from './params.ts';

const ListGrants = z.strictObject({ scope: z.string().min(1).max(300).optional(), who: z.string().min(1).max(200).optional() });

/** Grants, and the roles that they give. */
export function rightsRoutes(deps: AppDeps): Route[] {
  return [...grantRoutes(deps), ...roleRoutes(deps)];
}

function grantRoutes(deps: AppDeps): Route[] {
  const { store, clock, random } = deps;
  const act = actor(deps);

  async function viewOf({ grant, principalName }: GrantRecord): Promise<GrantView> {
    const { id, principal, role, scope, inherit, untilMs, byUser, createdAtMs } = grant;
    const who = { ...principal, name: principalName };
    const { name } = await scopeKept(scope, store);
    const isOver = untilMs !== null && untilMs <= clock.now();
    return { id, who, role, scope: DroverScope.parse(scope), scopeName: name, inherit, untilMs, isOver, createdBy: byUser, createdAtMs };
  }
  async function grantOf(id: string): Promise<GrantRecord> {
    const record = await store.rights.grant(id);
    if (!record) throw new Problem('not-found', `there is no grant ${id}`, { field: 'grant' });
    return record;
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/grants',
      right: onAccess('Sys.Audit'),
      tag: 'access',
      summary: 'List grants by scope: all, those on a scope, or those of somebody',
      query: ListGrants,
      response: GrantsView,
      async handler({ query }) {
        const scope = query.scope === undefined ? undefined : (await scopeNamed(query.scope, store)).path;
        const principal = query.who === undefined ? undefined : await principalNamed(query.who, store);
        return { body: { items: await Promise.all((await store.rights.grants({ scope, principal })).map(viewOf)) } };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/grants',
      right: 'self',
      tag: 'access',
      summary: 'Grant a role to somebody on a scope, perhaps until some day',
      description: 'Takes Permissions.Modify there, and every privilege that the role has: nobody gives away what is not theirs.',
      body: CreateGrant,
      status: 201,
      response: GrantView,
      async handler(call) {
        const { who, role, inherit, untilMs } = call.body;
        const id = newId('grant', random);
        const asker = askerOf(call, deps);
        const load = async () => ({ scope: await scopeNamed(call.body.scope, store), principal: await principalNamed(who, store) });
        const { answer } = await act(call, load, ({ scope, principal: { kind, id: principalId } }) =>
          addGrant(scope.thing, { id, principal: { kind, id: principalId }, role, scope: scope.path, inherit, untilMs }, asker),
        );
        return { body: await viewOf(await grantOf(answer)) };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/grants/{grant}',
      right: 'self',
      tag: 'access',
      summary: 'Take a grant back',
      params: z.object({ grant: Ref }),
      answers: { status: 204, contentType: null, description: 'Taken back' },
      async handler(call) {
        const asker = askerOf(call, deps);
        const load = async () => {
          const { grant } = await grantOf(call.params.grant);
          const [{ thing }, beside] = await Promise.all([scopeKept(grant.scope, store), store.rights.ownersBeside({ grant: grant.id })]);
          return { grant, thing, beside };
        };
        await act(call, load, ({ grant, thing, beside }) => removeGrant(grant, thing, beside, asker));
        return reply(null, { status: 204 });
      },
    }),
  ];
}

function roleRoutes(deps: AppDeps): Route[] {
  const { store, clock } = deps;
  const act = actor(deps);

  async function list(): Promise<RoleView[]> {
    const { facts } = await store.rights.facts();
    const times = (name: string): number => facts.grants.filter(({ role }) => role === name).length;
    const builtIn = BUILT_IN_ROLES.map(({ name, summary, privileges, cancels }) => ({
      ...{ name, isBuiltIn: true, summary, privileges: [...privileges], cancels },
      grants: times(name),
    }));
    const ofOnesOwn = (await store.rights.roles()).map(({ name, privileges }: CustomRole) => ({
      ...{ name, isBuiltIn: false, summary: null, privileges: [...privileges], cancels: false },
      grants: times(name),
    }));
    return [...builtIn, ...ofOnesOwn];
  }
  function refuseBuiltIn(name: string): void {
    if (BUILT_IN_ROLES.some((role) => role.name === name))
      throw new Problem('name-taken', `${name} is built in and stays as it is`, { field: 'name', suggestion: 'choose another name' });
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/roles',
      right: 'self',
      tag: 'access',
      summary: 'The roles there are, and what each privilege lets one do',
      response: RolesView,
      async handler() {
        const privileges = Privilege.options.map((name) => ({ name, summary: PRIVILEGES[name] }));
        return { body: { items: await list(), privileges } };
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/roles',
      right: onAccess('Permissions.Modify'),
      tag: 'access',
      summary: 'Make a role, or change one of one’s own',
      body: CreateRole,
      status: 201,
      response: RoleView,
      async handler(call) {
        const { name, privileges } = call.body;
        refuseBuiltIn(name);
        const role = { name, privileges: [...new Set(privileges)], createdAtMs: clock.now() };
        const asker = askerOf(call, deps);
        await act(
          call,
          async () => null,
          () => setRole(role, asker),
        );
        const made = (await list()).find((each) => each.name === name);
        if (!made) throw new Problem('gone', `role ${name} has been removed since`);
        return { body: made };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/roles/{role}',
      right: onAccess('Permissions.Modify'),
      tag: 'access',
      summary: 'Remove a role that is not granted any more',
      params: z.object({ role: Ref }),
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const { role } = call.params;
        refuseBuiltIn(role);
        const asker = askerOf(call, deps);
        const load = async () => {
          if (!(await store.rights.role(role))) throw new Problem('not-found', `there is no role ${role}`, { field: 'role' });
        };
        await act(call, load, () => removeRole(role, asker));
        return reply(null, { status: 204 });
      },
    }),
  ];
}
