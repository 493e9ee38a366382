import { CreateGroup, GroupMember, GroupView } from '@drover/shared/api/access';
import { Problem } from '@drover/shared/lib/problem';
import { newId } from '@drover/shared/model/id';
import { z } from 'zod';
import { addGroup, removeGroup, setMember } from '../../core/access.ts';
import type { GroupRecord } from '../../db/rights-store.ts';
import { type Acting, actor } from '../act.ts';
import { askerOf } from '../ask.ts';
import { GroupPage } from '../components.ts';
import type { AppDeps } from '../deps.ts';
import { onAccess } from '../need.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';
import { scopeKept } from '../scope-names.ts';
import { pageOf } from '../views.ts';
import { ListAll, Ref } from './params.ts';

const params = z.object({ group: Ref });

type Changing = Acting & { readonly params: { readonly group: string } };

/** Groups of people, for what many of them may do alike. */
export function groupRoutes(deps: AppDeps): Route[] {
  const { store, clock, random } = deps;
  const act = actor(deps);

  async function groupOf(ref: string): Promise<GroupRecord> {
    const record = await store.rights.group(ref);
    if (!record) throw new Problem('not-found', `there is no group ${ref}`, { field: 'group' });
    return record;
  }

  /** What coming into the group gives, and where; and who would own everything without it. */
  async function load(ref: string, leaving: string | null) {
    const { group, members } = await groupOf(ref);
    const grants = (await store.rights.grants({ principal: { kind: 'group', id: group.id } })).map(({ grant }) => grant);
    const scopes = new Map(await Promise.all(grants.map(async ({ scope }) => [scope, (await scopeKept(scope, store)).thing] as const)));
    const thingAt = (scope: string) => scopes.get(scope) ?? { path: scope, memberOf: [] };
    const others = members.filter(({ id }) => id !== leaving).length;
    // One who leaves takes the group's ownership from nobody else.
    const ownersBeside = leaving !== null && others > 0 ? 1 : await store.rights.ownersBeside({ group: group.id });
    return { group, grants, thingAt, ownersBeside };
  }

  async function change(call: Changing, ref: string, isMember: boolean) {
    const user = await store.access.user(ref);
    if (!user) throw new Problem('not-found', `there is no user ${ref}`, { field: 'user' });
    const asker = askerOf(call, deps);
    await act(
      call,
      () => load(call.params.group, isMember ? null : user.id),
      ({ group, ...rest }) => setMember(group, user.id, isMember, rest, asker),
    );
    return { body: groupView(await groupOf(call.params.group)) };
  }

  return [
    route({
      method: 'GET',
      path: '/api/v1/groups',
      right: onAccess('Sys.Audit'),
      tag: 'access',
      summary: 'List groups by name, with their members',
      query: ListAll,
      response: GroupPage,
      handler: async ({ query }) => ({ body: pageOf(await store.rights.groups(query), groupView) }),
    }),
    route({
      method: 'POST',
      path: '/api/v1/groups',
      right: onAccess('Group.Allocate'),
      tag: 'access',
      summary: 'Make a group',
      body: CreateGroup,
      status: 201,
      response: GroupView,
      async handler(call) {
        const { name, notes = '' } = call.body;
        const group = { id: newId('group', random), name, notes, directory: null, createdAtMs: clock.now() };
        const asker = askerOf(call, deps);
        const free = async () => {
          if (await store.rights.group(name))
            throw new Problem('name-taken', `the name ${name} is taken`, { field: 'name', suggestion: 'choose another name' });
        };
        const { answer } = await act(call, free, () => addGroup(group, asker));
        return { body: groupView(await groupOf(answer)) };
      },
    }),
    rawRoute({
      method: 'DELETE',
      path: '/api/v1/groups/{group}',
      right: onAccess('Group.Allocate'),
      tag: 'access',
      summary: 'Remove a group, with what was granted to it',
      params,
      answers: { status: 204, contentType: null, description: 'Removed' },
      async handler(call) {
        const asker = askerOf(call, deps);
        await act(
          call,
          () => load(call.params.group, null),
          ({ group, grants, ownersBeside, thingAt }) => removeGroup(group, grants, ownersBeside, thingAt, asker),
        );
        return reply(null, { status: 204 });
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/groups/{group}/members',
      right: onAccess('User.Modify'),
      tag: 'access',
      summary: 'Take somebody into a group',
      params,
      body: GroupMember,
      response: GroupView,
      handler: (call) => change(call, call.body.user, true),
    }),
    route({
      method: 'DELETE',
      path: '/api/v1/groups/{group}/members/{user}',
      right: onAccess('User.Modify'),
      tag: 'access',
      summary: 'Take somebody out of a group',
      params: params.extend({ user: Ref }),
      response: GroupView,
      handler: (call) => change(call, call.params.user, false),
    }),
  ];
}

const groupView = ({ group, members }: GroupRecord): GroupView => ({ ...group, members: [...members] });
