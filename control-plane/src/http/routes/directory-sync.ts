import { type LdapSettings, SyncDirectory, SyncedDirectoryView } from '@drover/shared/api/directories';
import { Problem } from '@drover/shared/lib/problem';
import { newId, type UserId } from '@drover/shared/model/id';
import { z } from 'zod';
import type { Directory } from '../../db/identity-store.ts';
import { addUser, disableUser, editDirectory, enableUser } from '../../db/identity-writes.ts';
import type { Statement } from '../../db/statement.ts';
import { goneFrom, isSuspicious, planSync, type SyncPlan, type TiedUser } from '../../identity/sync-plan.ts';
import { recordOf } from '../act.ts';
import type { AppDeps } from '../deps.ts';
import { grantOf, seen } from '../directory-person.ts';
import { directoryOf, ldapAccess, requireLdap } from '../ldap-directory.ts';
import { onAccess } from '../need.ts';
import { type Route, route } from '../route.ts';
import { Ref } from './params.ts';

const USERS_MAX = 100_000;

export function directorySyncRoutes(deps: AppDeps): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/directories/{directory}/sync',
      right: onAccess('Realm.AllocateUser'),
      tag: 'access',
      summary: 'Make users here as an LDAP directory says: adds, changes, and disables who vanished. Nobody is removed',
      params: z.object({ directory: Ref }),
      body: SyncDirectory,
      response: SyncedDirectoryView,
      async handler(call) {
        const { params, body, caller } = call;
        const { identity } = deps.store;
        const directory = await directoryOf(identity, params.directory);
        const access = await ldapAccess(deps, directory);
        const people = await requireLdap(deps).everybody(access);
        const tied = (await identity.directoryUsers(directory.id)).map(
          ({ userId, subject, groups, user }): TiedUser => ({
            userId,
            userName: user.name,
            subject,
            groups,
            isDisabled: (user.disabledAtMs ?? null) !== null,
            disabledBecause: user.disabledBecause ?? null,
          }),
        );
        const { autocreate, groupMapping } = access.settings;
        const plan = planSync({ directory: directory.name, autocreate, groupMapping, people, tied, takenNames: await namesOf(deps) });
        if (!body.dryRun) {
          refuseHarm(plan, tied, { force: body.force, callerId: caller.user.id });
          const detail = `synced: ${plan.add.length} added, ${plan.change.length} changed, ${plan.disable.length} disabled`;
          const record = recordOf(call, deps.clock.now(), { kind: 'directory', id: directory.id, name: directory.name, detail });
          if (!(await identity.write(statementsOf(deps, directory, access.settings, plan), record))) {
            throw new Problem('conflict', 'somebody changed users at this moment, or the last owner would be disabled', {
              retryable: true,
            });
          }
        }
        return { body: viewOf(plan, body.dryRun) };
      },
    }),
  ];
}

function refuseHarm(
  plan: SyncPlan,
  tied: readonly TiedUser[],
  { force, callerId }: { readonly force: boolean; readonly callerId: string },
): void {
  if (plan.disable.some(({ userId }) => userId === callerId)) {
    throw new Problem('wrong-state', 'you would disable yourself: the directory does not show you', {
      suggestion: 'have an owner do it whom it shows, or who is not of it',
    });
  }
  if (force || !isSuspicious(plan, tied)) return;
  throw new Problem(
    'wrong-state',
    `${plan.disable.length} of ${tied.length} users would be disabled: is the filter, or the base DN, right?`,
    {
      suggestion: 'look at it with dryRun; if it is meant, say force',
    },
  );
}

async function namesOf({ store: { access } }: AppDeps): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (let after: string | undefined; names.size < USERS_MAX; ) {
    const page = await access.users({ limit: 1_000, ...(after === undefined ? {} : { after }) });
    for (const { name } of page.items) names.add(name);
    if (page.next === null) break;
    after = page.next;
  }
  return names;
}

function statementsOf(deps: AppDeps, directory: Directory, settings: LdapSettings, plan: SyncPlan): readonly Statement[] {
  const nowMs = deps.clock.now();
  const hasGroups = settings.groupBaseDn !== null;
  const seenWith = (userId: UserId, { subject, groups }: { readonly subject: string; readonly groups: readonly string[] }) =>
    seen(deps, directory, { userId, subject, groups: hasGroups ? groups : null, before: groups });
  return [
    ...plan.add.flatMap((added) => {
      const user = { id: newId('user', deps.random), name: added.name, createdAtMs: nowMs };
      return [...addUser(user, grantOf(deps, directory, settings, user.id)), ...seenWith(user.id, added)];
    }),
    ...plan.change.flatMap((changed) => [
      ...(changed.enable ? enableUser(changed.userId, nowMs) : []),
      ...seenWith(changed.userId, changed),
    ]),
    ...plan.disable.flatMap(({ userId }) => disableUser(userId, goneFrom(directory.name), nowMs)),
    editDirectory(directory.id, { syncedAtMs: nowMs }),
  ];
}

const viewOf = ({ add, change, disable, unchanged, left }: SyncPlan, dryRun: boolean): SyncedDirectoryView => ({
  dryRun,
  added: add.map(({ name }) => name),
  changed: change.map(({ name, what }) => ({ name, what })),
  disabled: disable.map(({ name }) => name),
  unchanged,
  left: [...left],
});
