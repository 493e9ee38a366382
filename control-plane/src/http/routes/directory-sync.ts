import { SyncDirectory, SyncedDirectoryView } from '@drover/shared/api/directories';
import { Problem } from '@drover/shared/lib/problem';
import { newId } from '@drover/shared/model/id';
import { z } from 'zod';
import type { User } from '../../db/access-store.ts';
import type { Directory } from '../../db/identity-store.ts';
import { addUser, disableUser, editDirectory, enableUser, seenInDirectory } from '../../db/identity-writes.ts';
import type { Statement } from '../../db/statement.ts';
import { goneFrom, isSuspicious, planSync, type SyncPlan, type TiedUser } from '../../identity/sync-plan.ts';
import type { AppDeps } from '../deps.ts';
import { directoryOf, ldapAccess, requireLdap } from '../ldap-directory.ts';
import { type Route, route } from '../route.ts';
import { Ref } from './params.ts';

const USERS_MAX = 100_000;

export function directorySyncRoutes(deps: AppDeps): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/directories/{directory}/sync',
      right: 'access.edit',
      tag: 'access',
      summary: 'Make users here as an LDAP directory says: adds, changes, and disables who vanished. Nobody is removed',
      params: z.object({ directory: Ref }),
      body: SyncDirectory,
      response: SyncedDirectoryView,
      async handler({ params, body, caller }) {
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
        const { autocreate, groupMapping, role } = access.settings;
        const plan = planSync({ directory: directory.name, autocreate, groupMapping, people, tied, takenNames: await namesOf(deps) });
        if (!body.dryRun) {
          refuseHarm(plan, tied, { force: body.force, callerId: caller.user.id });
          await identity.write(statementsOf(deps, directory, plan, role));
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

function statementsOf(
  { clock, random }: AppDeps,
  { id: directoryId, name }: Directory,
  plan: SyncPlan,
  role: User['role'],
): readonly Statement[] {
  const nowMs = clock.now();
  return [
    ...plan.add.flatMap(({ name, subject, groups }) => {
      const user = { id: newId('user', random), name, role, createdAtMs: nowMs };
      return [...addUser(user), seenInDirectory({ directoryId, subject, userId: user.id, groups, seenAtMs: nowMs })];
    }),
    ...plan.change.flatMap(({ userId, subject, groups, enable }) => [
      ...(enable ? enableUser(userId, nowMs) : []),
      seenInDirectory({ directoryId, subject, userId, groups, seenAtMs: nowMs }),
    ]),
    ...plan.disable.flatMap(({ userId }) => disableUser(userId, goneFrom(name), nowMs)),
    editDirectory(directoryId, { syncedAtMs: nowMs }),
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
