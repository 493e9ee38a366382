import { SignInPolicy } from '@drover/shared/api/identity';
import type { Client } from '@libsql/client';
import { and, asc, count, desc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { auditStatement } from './audit-write.ts';
import { conflictOf } from './commit.ts';
import * as identity from './identity-schema.ts';
import type { IdentityStore } from './identity-store.ts';
import { token, user } from './schema.ts';

const { directory, directoryUser, identitySetting, knownAddress, passkey, password, recoveryCode, signInTicket, totp } = identity;

/** `changed`: tells live streams that an event was written. */
export function createIdentityStore(db: LibSQLDatabase, client: Client, changed: () => void): IdentityStore {
  return {
    async ways(userId) {
      const [passwords, totps, left, passkeys, directories] = await db.batch([
        db.select().from(password).where(eq(password.userId, userId)),
        db.select().from(totp).where(eq(totp.userId, userId)),
        db
          .select({ left: count() })
          .from(recoveryCode)
          .where(and(eq(recoveryCode.userId, userId), isNull(recoveryCode.usedAtMs))),
        db.select().from(passkey).where(eq(passkey.userId, userId)).orderBy(asc(passkey.createdAtMs), asc(passkey.id)),
        db
          .select({ name: directory.name })
          .from(directoryUser)
          .innerJoin(directory, eq(directory.id, directoryUser.directoryId))
          .where(eq(directoryUser.userId, userId)),
      ]);
      return {
        password: passwords[0] ?? null,
        totp: totps[0] ?? null,
        recoveryCodesLeft: left[0]?.left ?? 0,
        passkeys,
        directories: directories.map(({ name }) => name),
      };
    },
    async passkey(id) {
      const [row] = await db.select().from(passkey).where(eq(passkey.id, id));
      return row ?? null;
    },
    async ticket(hash, nowMs) {
      const [row] = await db
        .select()
        .from(signInTicket)
        .where(and(eq(signInTicket.hash, hash), gt(signInTicket.expiresAtMs, nowMs)));
      return row ?? null;
    },
    async hasRecoveryCode(userId, hash) {
      const [row] = await db
        .select({ atMs: recoveryCode.madeAtMs })
        .from(recoveryCode)
        .where(and(eq(recoveryCode.userId, userId), eq(recoveryCode.hash, hash), isNull(recoveryCode.usedAtMs)));
      return row !== undefined;
    },
    async isKnownAddress(userId, address) {
      const [row] = await db
        .select({ atMs: knownAddress.lastAtMs })
        .from(knownAddress)
        .where(and(eq(knownAddress.userId, userId), eq(knownAddress.address, address)));
      return row !== undefined;
    },
    async policy() {
      const [row] = await db.select().from(identitySetting).where(eq(identitySetting.name, 'sign-in'));
      return SignInPolicy.parse(row?.value ?? {});
    },
    async sessions({ userId, nowMs, limit }) {
      const rows = await db
        .select({ token, userName: user.name })
        .from(token)
        .innerJoin(user, eq(user.id, token.userId))
        .where(
          and(
            eq(token.kind, 'session'),
            userId === undefined ? undefined : eq(token.userId, userId),
            gt(token.expiresAtMs, nowMs),
            or(isNull(token.idleMs), sql`coalesce(${token.lastUsedAtMs}, ${token.createdAtMs}) + ${token.idleMs} > ${nowMs}`),
          ),
        )
        .orderBy(desc(token.lastUsedAtMs), asc(token.id))
        .limit(limit);
      return rows.map(({ token: { hash: _hash, ...rest }, userName }) => ({ ...rest, userName }));
    },
    directories: () => db.select().from(directory).orderBy(asc(directory.name)),
    async directory(ref) {
      const [row] = await db
        .select()
        .from(directory)
        .where(or(sql`${directory.id} = ${ref}`, eq(directory.name, ref)));
      return row ?? null;
    },
    async directoryUser(directoryId, subject) {
      const [row] = await db
        .select({ known: directoryUser, user })
        .from(directoryUser)
        .innerJoin(user, eq(user.id, directoryUser.userId))
        .where(and(eq(directoryUser.directoryId, directoryId), eq(directoryUser.subject, subject)));
      return row ? { ...row.known, user: row.user } : null;
    },
    async directoryUsers(directoryId) {
      const rows = await db
        .select({ known: directoryUser, user })
        .from(directoryUser)
        .innerJoin(user, eq(user.id, directoryUser.userId))
        .where(eq(directoryUser.directoryId, directoryId))
        .orderBy(asc(user.name));
      return rows.map((row) => ({ ...row.known, user: row.user }));
    },
    async write(statements, record) {
      try {
        await client.batch(
          [...statements, ...(record ? [auditStatement(record)] : [])].map(({ sql, args }) => ({ sql, args })),
          'write',
        );
      } catch (error) {
        if (conflictOf(error) === null) throw error;
        return false;
      }
      changed();
      return true;
    },
  };
}
