import type { UserId } from '@drover/shared/model/id';
import { freeName, groupsWished, nameFrom } from './directory-names.ts';
import type { LdapPerson } from './ldap.ts';

/** Somebody here who is tied to the directory. */
export interface TiedUser {
  readonly userId: UserId;
  readonly userName: string;
  readonly subject: string;
  readonly groups: readonly string[];
  readonly isDisabled: boolean;
  readonly disabledBecause: string | null;
}

export interface SyncPlan {
  readonly add: readonly { readonly name: string; readonly subject: string; readonly groups: readonly string[] }[];
  readonly change: readonly {
    readonly userId: UserId;
    readonly name: string;
    readonly subject: string;
    readonly groups: readonly string[];
    readonly enable: boolean;
    readonly what: string;
  }[];
  readonly disable: readonly { readonly userId: UserId; readonly name: string }[];
  readonly unchanged: number;
  readonly left: readonly { readonly name: string; readonly why: string }[];
}

export const goneFrom = (directory: string): string => `gone from the directory ${directory}`;

/** What to do so that users here are as the directory says. Nobody is ever removed: who vanished is disabled, and enabled when they come back. */
export function planSync(input: {
  readonly directory: string;
  readonly autocreate: boolean;
  readonly groupMapping: Readonly<Record<string, string>>;
  readonly people: readonly LdapPerson[];
  readonly tied: readonly TiedUser[];
  readonly takenNames: ReadonlySet<string>;
}): SyncPlan {
  const { directory, people, tied } = input;
  const known = new Map(tied.map((user) => [user.subject, user]));
  const taken = new Set(input.takenNames);
  const add: SyncPlan['add'][number][] = [];
  const change: SyncPlan['change'][number][] = [];
  const left: SyncPlan['left'][number][] = [];
  const seen = new Set<string>();
  for (const person of people) {
    if (seen.has(person.subject)) continue;
    seen.add(person.subject);
    const user = known.get(person.subject);
    const groups = person.groups === null ? (user?.groups ?? []) : groupsWished(person.groups, input.groupMapping);
    if (user) {
      const what = changesOf(user, groups, directory);
      if (what.length > 0) {
        change.push({
          userId: user.userId,
          name: user.userName,
          subject: user.subject,
          groups,
          enable: what.includes('enabled'),
          what: what.join(', '),
        });
      }
      continue;
    }
    const wished = nameFrom(person.name);
    if (wished === null) left.push({ name: person.name, why: 'nothing of this can be a name here' });
    else if (!input.autocreate) left.push({ name: person.name, why: 'the directory is not set to make users' });
    else {
      const name = freeName(wished, directory, (candidate) => taken.has(candidate));
      taken.add(name);
      add.push({ name, subject: person.subject, groups });
    }
  }
  const disable = tied
    .filter(({ subject, isDisabled }) => !seen.has(subject) && !isDisabled)
    .map(({ userId, userName }) => ({ userId, name: userName }));
  return { add, change, disable, unchanged: tied.length - change.length - disable.length, left };
}

/** Half of all at once is more likely a wrong filter than a day on which half of the people left. */
export const isSuspicious = ({ disable }: SyncPlan, tied: readonly TiedUser[]): boolean => {
  const active = tied.filter(({ isDisabled }) => !isDisabled).length;
  return disable.length > 0 && (disable.length === active || (active >= 4 && disable.length * 2 > active));
};

function changesOf(user: TiedUser, groups: readonly string[], directory: string): readonly string[] {
  // Whom an owner has disabled here stays so, whatever the directory says.
  const isBack = user.isDisabled && user.disabledBecause === goneFrom(directory);
  const hasSameGroups = [...user.groups].sort().join('\n') === [...groups].sort().join('\n');
  return [...(isBack ? ['enabled'] : []), ...(hasSameGroups ? [] : [`groups: ${groups.join(', ') || 'none'}`])];
}
