import type { DirectorySettings } from '@drover/shared/api/directories';
import { Problem } from '@drover/shared/lib/problem';
import { newId, type UserId } from '@drover/shared/model/id';
import type { Grant } from '../core/rights.ts';
import type { User } from '../db/access-store.ts';
import type { Directory } from '../db/identity-store.ts';
import { addUser, enableUser, keepGroups, seenInDirectory } from '../db/identity-writes.ts';
import type { Statement } from '../db/statement.ts';
import { freeName, groupsWished, nameFrom } from '../identity/directory-names.ts';
import { goneFrom } from '../identity/sync-plan.ts';
import type { AppDeps } from './deps.ts';

interface Person {
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[] | null;
}

type Deps = Pick<AppDeps, 'store' | 'clock' | 'random'>;

/** The user that somebody whom a directory vouches for is here, and what to write as they come in. Known by their subject, never by their name. */
export async function userOfPerson(
  deps: Deps,
  directory: Directory,
  settings: DirectorySettings,
  person: Person,
): Promise<{ readonly user: User; readonly statements: readonly Statement[] }> {
  const { store, clock, random } = deps;
  const nowMs = clock.now();
  const tied = await store.identity.directoryUser(directory.id, person.subject);
  const groups = person.groups && groupsWished(person.groups, settings.groupMapping);
  if (tied) {
    const isBack = tied.user.disabledBecause === goneFrom(directory.name);
    const user = isBack ? { ...tied.user, disabledAtMs: null, disabledBecause: null } : tied.user;
    return {
      user,
      statements: [
        ...(isBack ? enableUser(user.id, nowMs) : []),
        ...seen(deps, directory, { ...person, userId: user.id, groups, before: tied.groups }),
      ],
    };
  }
  if (!settings.autocreate) {
    throw new Problem('not-allowed', `${directory.name} knows you, and Drover has no user for you`, {
      suggestion: 'ask an owner to let you in',
    });
  }
  const wished = nameFrom(person.name);
  if (wished === null)
    throw new Problem('not-allowed', `nothing of "${person.name.slice(0, 64)}" can be a name here`, { suggestion: 'ask an owner' });
  const user: User = { id: newId('user', random), name: await freeNameFor(store, wished, directory.name), createdAtMs: nowMs };
  return {
    user,
    statements: [
      ...addUser(user, grantOf(deps, directory, settings, user.id)),
      ...seen(deps, directory, { ...person, userId: user.id, groups, before: [] }),
    ],
  };
}

interface Seen {
  readonly subject: string;
  readonly userId: UserId;
  /** Null: the directory is asked for none, and they stay as they were. */
  readonly groups: readonly string[] | null;
  readonly before: readonly string[];
}

/** That somebody was seen in a directory, and the groups that they are in by it. */
export function seen({ clock, random }: Deps, directory: Directory, { subject, userId, groups, before }: Seen): readonly Statement[] {
  const nowMs = clock.now();
  const named = (groups ?? []).map((name) => ({ id: newId('group', random), name }));
  return [
    seenInDirectory({ directoryId: directory.id, subject, userId, groups: groups ?? before, seenAtMs: nowMs }),
    ...(groups === null ? [] : keepGroups({ directory: directory.name, userId, groups: named }, nowMs)),
  ];
}

/** What users that a directory brings are granted. Who set the directory up could have granted it. */
export function grantOf({ clock, random }: Deps, directory: Directory, { role }: DirectorySettings, userId: UserId): Grant | null {
  if (role === null) return null;
  const principal = { kind: 'user', id: userId } as const;
  return {
    id: newId('grant', random),
    ...{ principal, role, scope: '/', inherit: true, untilMs: null },
    byUser: `directory ${directory.name}`,
    createdAtMs: clock.now(),
  };
}

const CANDIDATES = 20;

async function freeNameFor({ access }: AppDeps['store'], wished: string, directory: string): Promise<string> {
  const taken = new Set<string>();
  for (let tries = 0; tries < CANDIDATES; tries += 1) {
    const name = freeName(wished, directory, (candidate) => taken.has(candidate));
    if (!(await access.user(name))) return name;
    taken.add(name);
  }
  throw new Problem('name-taken', `too many people are called ${wished}`);
}
