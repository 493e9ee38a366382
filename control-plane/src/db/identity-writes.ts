import type { SignInPolicy } from '@drover/shared/api/identity';
import type { GroupId, TokenId, UserId } from '@drover/shared/model/id';
import type { Grant } from '../core/rights.ts';
import type { Token, User } from './access-store.ts';
import { HAS_OWNER, OWNERS, rightsStatements } from './commit-rights.ts';
import * as identity from './identity-schema.ts';
import type { Directory, Passkey, SignInTicket } from './identity-store.ts';
import { event, token, user } from './schema.ts';
import { guard, insert, remove, type Statement, update } from './statement.ts';

/** Each changes one thing; what belongs together is written as one batch by IdentityStore.write. */

const eventOf = (kind: 'user' | 'token', id: string, gone: boolean, atMs: number): Statement => insert(event, { kind, id, gone, atMs });

/** `grant`: what they begin with; null: nothing. */
export const addUser = (added: User, grant: Grant | null): readonly Statement[] => [
  insert(user, added),
  ...(grant === null ? [] : rightsStatements({ do: 'add-grant', grant })),
  eventOf('user', added.id, false, added.createdAtMs),
];

/** Whatever was granted or kept from them on everything before, they own it now. */
export const makeOwner = (grant: Grant): readonly Statement[] => [
  {
    sql: "DELETE FROM access_grant WHERE principal_kind = 'user' AND principal_id = ? AND scope = '/' AND role IN ('owner', 'no-access')",
    args: [grant.principal.id],
  },
  ...rightsStatements({ do: 'add-grant', grant }),
];

export const setPassword = (userId: UserId, hash: string, nowMs: number): Statement => ({
  sql: 'INSERT INTO password (user_id, hash, set_at_ms) VALUES (?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, set_at_ms = excluded.set_at_ms',
  args: [userId, hash, nowMs],
});

/** The same password under newer parameters: it was not set anew. */
export const rehash = (userId: UserId, hash: string): Statement => update(identity.password, { hash }, { userId });

/** Replaces one that was begun or, once it is confirmed, the one in use. */
export const beginTotp = (userId: UserId, seed: string, nowMs: number): readonly Statement[] => [
  remove(identity.totp, { userId }),
  insert(identity.totp, { userId, seed, begunAtMs: nowMs, confirmedAtMs: null, lastStep: 0, wrong: 0 }),
];
export const confirmTotp = (userId: UserId, step: number, nowMs: number): readonly Statement[] => [
  guard(identity.totp, 'user_id = ? AND last_step < ?', userId, step),
  update(identity.totp, { confirmedAtMs: nowMs, lastStep: step, wrong: 0 }, { userId }),
];
/** Of two requests with one code only one is written. */
export const useTotp = (userId: UserId, step: number): readonly Statement[] => [
  guard(identity.totp, 'user_id = ? AND last_step < ?', userId, step),
  update(identity.totp, { lastStep: step, wrong: 0 }, { userId }),
];
export const countWrongCode = (userId: UserId): Statement => ({
  sql: 'UPDATE totp SET wrong = wrong + 1 WHERE user_id = ?',
  args: [userId],
});
export const unlockTotp = (userId: UserId): Statement => update(identity.totp, { wrong: 0 }, { userId });
export const removeTotp = (userId: UserId): Statement => remove(identity.totp, { userId });

export const replaceRecoveryCodes = (userId: UserId, hashes: readonly string[], nowMs: number): readonly Statement[] => [
  remove(identity.recoveryCode, { userId }),
  ...hashes.map((hash) => insert(identity.recoveryCode, { userId, hash, madeAtMs: nowMs, usedAtMs: null })),
];
/** Does not hold for a code that is unknown or used. */
export const useRecoveryCode = (userId: UserId, hash: string, nowMs: number): readonly Statement[] => [
  guard(identity.recoveryCode, 'user_id = ? AND hash = ? AND used_at_ms IS NULL', userId, hash),
  update(identity.recoveryCode, { usedAtMs: nowMs }, { userId, hash }),
];
export const removeRecoveryCodes = (userId: UserId): Statement => remove(identity.recoveryCode, { userId });

export const addPasskey = (added: Passkey): Statement => insert(identity.passkey, added);
/** Of two answers with one counter only one is written; authenticators that do not count stay at 0. */
export const usePasskey = (id: string, counter: number, backedUp: boolean, nowMs: number): readonly Statement[] => [
  guard(identity.passkey, 'id = ? AND (counter < ? OR (counter = 0 AND ? = 0))', id, counter, counter),
  update(identity.passkey, { counter, backedUp, lastUsedAtMs: nowMs }, { id }),
];
export const renamePasskey = (id: string, name: string): Statement => update(identity.passkey, { name }, { id });
export const removePasskey = (id: string): Statement => remove(identity.passkey, { id });
export const removePasskeys = (userId: UserId): Statement => remove(identity.passkey, { userId });

export const addTicket = (ticket: SignInTicket): Statement => insert(identity.signInTicket, ticket);
/** It was there, and is so no more: nobody else can use it. */
export const useTicket = (hash: string): readonly Statement[] => [
  guard(identity.signInTicket, 'hash = ?', hash),
  remove(identity.signInTicket, { hash }),
];

export const useLink = (hash: string, nowMs: number): readonly Statement[] => [
  {
    sql: 'INSERT INTO guard SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM link WHERE hash = ? AND used_at_ms IS NULL AND expires_at_ms > ?)',
    args: [hash, nowMs],
  },
  { sql: 'UPDATE link SET used_at_ms = ? WHERE hash = ?', args: [nowMs, hash] },
];

export const startSession = (session: Token, hash: string): readonly Statement[] => [
  insert(token, { ...session, hash }),
  eventOf('token', session.id, false, session.createdAtMs),
];
/** Of this user, but for `except`. */
export const endSessions = (userId: UserId, except: TokenId | null): Statement => ({
  sql: "DELETE FROM token WHERE user_id = ? AND kind = 'session' AND id IS NOT ?",
  args: [userId, except],
});
export const endSession = (id: TokenId, nowMs: number): readonly Statement[] => [remove(token, { id }), eventOf('token', id, true, nowMs)];
export const liftSetupOnly = (userId: UserId): Statement => update(token, { setupOnly: false }, { userId, kind: 'session' });

const ADDRESSES_KEPT = 10;
export const rememberAddress = (userId: UserId, address: string, nowMs: number): readonly Statement[] => [
  {
    sql: 'INSERT INTO known_address (user_id, address, last_at_ms) VALUES (?, ?, ?) ON CONFLICT (user_id, address) DO UPDATE SET last_at_ms = excluded.last_at_ms',
    args: [userId, address, nowMs],
  },
  {
    sql: `DELETE FROM known_address WHERE user_id = ? AND address NOT IN
      (SELECT address FROM known_address WHERE user_id = ? ORDER BY last_at_ms DESC LIMIT ${ADDRESSES_KEPT})`,
    args: [userId, userId],
  },
];

/** Their sessions end; their tokens are good for nothing as long as it lasts. */
export const disableUser = (userId: UserId, because: string, nowMs: number): readonly Statement[] => [
  update(user, { disabledAtMs: nowMs, disabledBecause: because }, { id: userId }),
  endSessions(userId, null),
  HAS_OWNER,
  eventOf('user', userId, false, nowMs),
];
export const enableUser = (userId: UserId, nowMs: number): readonly Statement[] => [
  update(user, { disabledAtMs: null, disabledBecause: null }, { id: userId }),
  eventOf('user', userId, false, nowMs),
];

export const setPolicy = (policy: SignInPolicy): Statement => ({
  sql: 'INSERT INTO identity_setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  args: ['sign-in', JSON.stringify(policy)],
});

/** Sessions of those who lack what the fleet now asks for are good for setting it up, and nothing else. */
export const limitSessions = (policy: SignInPolicy): readonly Statement[] =>
  policy.secondFactor === 'nobody'
    ? []
    : [
        {
          sql: `UPDATE token SET setup_only = 1 WHERE kind = 'session'
            AND user_id IN (SELECT id FROM user WHERE ? = 'everybody' OR id IN (SELECT owner.id FROM (${OWNERS}) AS owner))
            AND user_id NOT IN (SELECT user_id FROM totp WHERE confirmed_at_ms IS NOT NULL)
            AND user_id NOT IN (SELECT user_id FROM passkey)`,
          args: [policy.secondFactor],
        },
      ];

export const addDirectory = (added: Directory): Statement => insert(identity.directory, added);
export const editDirectory = (id: Directory['id'], edited: Partial<Omit<Directory, 'id'>>): Statement =>
  update(identity.directory, edited, { id });
export const renameGroupsOf = (directory: string, name: string): Statement => ({
  sql: 'UPDATE access_group SET directory = ? WHERE directory = ?',
  args: [name, directory],
});
/** Its users stay, and can no longer sign in by it; its groups stay, and are kept by hand from then on. */
export const removeDirectory = ({ id, name }: Pick<Directory, 'id' | 'name'>): readonly Statement[] => [
  { sql: 'UPDATE access_group SET directory = NULL WHERE directory = ?', args: [name] },
  remove(identity.directoryUser, { directoryId: id }),
  remove(identity.directory, { id }),
];
/** Makes the tie between a person of a directory and a user here, or says anew when they were seen and with which groups. */
export const seenInDirectory = (seen: typeof identity.directoryUser.$inferInsert): Statement =>
  insert(
    identity.directoryUser,
    seen,
    ' ON CONFLICT (directory_id, subject) DO UPDATE SET groups = excluded.groups, seen_at_ms = excluded.seen_at_ms',
  );

/**
 * The groups of `directory` that a user is in are these. One that was made here keeps its members also where it has such a name: what was
 * granted to it was not meant for whoever a directory calls so.
 */
export function keepGroups(
  {
    directory,
    userId,
    groups,
  }: { readonly directory: string; readonly userId: UserId; readonly groups: readonly { readonly id: GroupId; readonly name: string }[] },
  nowMs: number,
): readonly Statement[] {
  const names = JSON.stringify(groups.map(({ name }) => name));
  const theirs = 'SELECT id FROM access_group WHERE directory = ? AND name IN (SELECT value FROM json_each(?))';
  return [
    ...groups.map(
      ({ id, name }): Statement => ({
        sql: "INSERT INTO access_group (id, name, notes, directory, created_at_ms) VALUES (?, ?, '', ?, ?) ON CONFLICT DO NOTHING",
        args: [id, name, directory, nowMs],
      }),
    ),
    {
      sql: `DELETE FROM group_member WHERE user_id = ? AND group_id IN (SELECT id FROM access_group WHERE directory = ?) AND group_id NOT IN (${theirs})`,
      args: [userId, directory, directory, names],
    },
    {
      sql: `INSERT INTO group_member (group_id, user_id) SELECT id, ? FROM (${theirs}) WHERE true ON CONFLICT DO NOTHING`,
      args: [userId, directory, names],
    },
    HAS_OWNER,
  ];
}
