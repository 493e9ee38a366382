import type { DirectoryId, UserId } from '@drover/shared/model/id';
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Sealed } from '../vault.ts';

/** How people prove who they are, as queries see it; migrations/0012-signing-in.ts makes these tables. */

const json = <T>() => text({ mode: 'json' }).$type<T>();
const ofUser = () => text('user_id').$type<UserId>().notNull();

export const password = sqliteTable('password', {
  userId: ofUser().primaryKey(),
  hash: text().notNull(),
  setAtMs: integer('set_at_ms').notNull(),
});

export const totp = sqliteTable('totp', {
  userId: ofUser().primaryKey(),
  /** Sealed. */
  seed: text().notNull(),
  begunAtMs: integer('begun_at_ms').notNull(),
  confirmedAtMs: integer('confirmed_at_ms'),
  /** The newest step whose code was used: no code is good twice. */
  lastStep: integer('last_step').notNull(),
  /** Wrong codes since the last good one. */
  wrong: integer().notNull(),
});

export const recoveryCode = sqliteTable(
  'recovery_code',
  { userId: ofUser(), hash: text().notNull(), madeAtMs: integer('made_at_ms').notNull(), usedAtMs: integer('used_at_ms') },
  (table) => [primaryKey({ columns: [table.userId, table.hash] })],
);

export const passkey = sqliteTable('passkey', {
  /** The credential's own, in base64url. */
  id: text().primaryKey(),
  userId: ofUser(),
  name: text().notNull(),
  /** COSE, in base64url. */
  publicKey: text('public_key').notNull(),
  counter: integer().notNull(),
  transports: json<readonly string[]>().notNull(),
  /** The host name that it was made for; it is good for no other. */
  site: text().notNull(),
  backedUp: integer('backed_up', { mode: 'boolean' }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  lastUsedAtMs: integer('last_used_at_ms'),
});

export const signInTicket = sqliteTable('sign_in_ticket', {
  hash: text().primaryKey(),
  purpose: text().$type<'second-factor' | 'passkey' | 'new-passkey' | 'open-id'>().notNull(),
  userId: text('user_id').$type<UserId>(),
  facts: json<Readonly<Record<string, unknown>>>().notNull(),
  expiresAtMs: integer('expires_at_ms').notNull(),
});

export const knownAddress = sqliteTable(
  'known_address',
  { userId: ofUser(), address: text().notNull(), lastAtMs: integer('last_at_ms').notNull() },
  (table) => [primaryKey({ columns: [table.userId, table.address] })],
);

export const identitySetting = sqliteTable('identity_setting', { name: text().primaryKey(), value: json<unknown>().notNull() });

export const directory = sqliteTable('directory', {
  id: text().$type<DirectoryId>().primaryKey(),
  name: text().notNull(),
  kind: text().$type<'oidc' | 'ldap'>().notNull(),
  settings: json<Readonly<Record<string, unknown>>>().notNull(),
  /** Sealed: the client's secret, the bind password. Empty: there is none. */
  secrets: text().$type<Sealed | ''>().notNull(),
  enabled: integer({ mode: 'boolean' }).notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
  syncedAtMs: integer('synced_at_ms'),
});

export const directoryUser = sqliteTable(
  'directory_user',
  {
    directoryId: text('directory_id').$type<DirectoryId>().notNull(),
    /** What the directory calls this person, whatever their name becomes. */
    subject: text().notNull(),
    userId: ofUser(),
    groups: json<readonly string[]>().notNull(),
    seenAtMs: integer('seen_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.directoryId, table.subject] })],
);
