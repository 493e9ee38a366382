import type { DirectorySettings } from '@drover/shared/api/directories';
import { Problem } from '@drover/shared/lib/problem';
import { newId } from '@drover/shared/model/id';
import type { User } from '../db/access-store.ts';
import type { Directory } from '../db/identity-store.ts';
import { addUser, enableUser, seenInDirectory } from '../db/identity-writes.ts';
import type { Statement } from '../db/statement.ts';
import { freeName, groupsWished, nameFrom } from '../identity/directory-names.ts';
import { goneFrom } from '../identity/sync-plan.ts';
import type { AppDeps } from './deps.ts';

interface Person {
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[] | null;
}

/** The user that somebody whom a directory vouches for is here, and what to write as they come in. Known by their subject, never by their name. */
export async function userOfPerson(
  { store, clock, random }: Pick<AppDeps, 'store' | 'clock' | 'random'>,
  directory: Directory,
  settings: DirectorySettings,
  person: Person,
): Promise<{ readonly user: User; readonly statements: readonly Statement[] }> {
  const nowMs = clock.now();
  const tied = await store.identity.directoryUser(directory.id, person.subject);
  const groups = person.groups === null ? (tied?.groups ?? []) : groupsWished(person.groups, settings.groupMapping);
  const seen = (user: User) =>
    seenInDirectory({ directoryId: directory.id, subject: person.subject, userId: user.id, groups, seenAtMs: nowMs });
  if (tied) {
    const isBack = tied.user.disabledBecause === goneFrom(directory.name);
    const user = isBack ? { ...tied.user, disabledAtMs: null, disabledBecause: null } : tied.user;
    return { user, statements: [...(isBack ? enableUser(user.id, nowMs) : []), seen(user)] };
  }
  if (!settings.autocreate) {
    throw new Problem('not-allowed', `${directory.name} knows you, and Drover has no user for you`, {
      suggestion: 'ask an owner to let you in',
    });
  }
  const wished = nameFrom(person.name);
  if (wished === null)
    throw new Problem('not-allowed', `nothing of "${person.name.slice(0, 64)}" can be a name here`, { suggestion: 'ask an owner' });
  const user: User = {
    id: newId('user', random),
    name: await freeNameFor(store, wished, directory.name),
    role: settings.role,
    createdAtMs: nowMs,
  };
  return { user, statements: [...addUser(user), seen(user)] };
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
