import { Problem } from '@drover/shared/lib/problem';
import { and, asc, count, desc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import type { Grant } from '../core/rights.ts';
import type { AccessStore } from './access-store.ts';
import { auditSql, type Recorded } from './audit-write.ts';
import { conflictOf } from './commit.ts';
import { HAS_OWNER, OWNERS } from './commit-rights.ts';
import type { Questions } from './questions.ts';
import { afterName, pageOf } from './reads.ts';
import * as schema from './schema.ts';
import { ENROLMENT_ID_LENGTH } from './secret.ts';

const { accessGrant, groupMember, user, token, link, enrolment, upload, event, host } = schema;

/** `changed`: tells live streams that an event was written. */
export function createAccessStore(db: LibSQLDatabase, ask: Questions, now: () => number, changed: () => void): AccessStore {
  const insertGrant = ({ principal, ...grant }: Grant) =>
    db.insert(accessGrant).values({ ...grant, principalKind: principal.kind, principalId: principal.id });
  const recording = (record: Recorded, onlyIfChanged = false) => (record ? [db.run(auditSql(record, onlyIfChanged))] : []);
  const eventOf = (kind: 'user' | 'token', id: string, gone: boolean) => db.insert(event).values({ kind, id, gone, atMs: now() });

  return {
    async user(ref) {
      const [row] = await db
        .select()
        .from(user)
        .where(or(sql`${user.id} = ${ref}`, eq(user.name, ref)));
      return row ?? null;
    },
    async users(list) {
      const where = list.name === undefined ? undefined : eq(user.name, list.name);
      const found = await db
        .select()
        .from(user)
        .where(and(where, afterName(user.name, user.id, list.after)))
        .orderBy(asc(user.name), asc(user.id))
        .limit(list.limit + 1);
      const [row] = await db.select({ total: count() }).from(user).where(where);
      return pageOf(found, list.limit, row?.total ?? 0, ({ id, name }) => `${name}/${id}`);
    },
    async addUser(added, grants, record) {
      await refusingTakenNames(added.name, () =>
        db.batch([db.insert(user).values(added), eventOf('user', added.id, false), ...grants.map(insertGrant), ...recording(record)]),
      );
      changed();
    },
    async removeUser(id, record) {
      const [known] = await db.select({ id: user.id }).from(user).where(eq(user.id, id));
      if (!known) return false;
      await refusing(new Problem('wrong-state', 'this is the last owner', { suggestion: 'make somebody else an owner first' }), () =>
        db.batch([
          db.run(
            sql`DELETE FROM access_grant WHERE principal_kind = 'token' AND principal_id IN (SELECT id FROM token WHERE user_id = ${id})`,
          ),
          db.run(sql`DELETE FROM access_grant WHERE principal_kind = 'user' AND principal_id = ${id}`),
          db.delete(groupMember).where(eq(groupMember.userId, id)),
          db.delete(user).where(eq(user.id, id)),
          db.delete(token).where(eq(token.userId, id)),
          db.delete(link).where(eq(link.userId, id)),
          db.run(sql.raw(HAS_OWNER.sql)),
          ...recording(record),
          eventOf('user', id, true),
        ]),
      );
      changed();
      return true;
    },
    async ownerEverSignedIn() {
      const rows = await db
        .select({ hash: link.hash })
        .from(link)
        .where(and(sql`${link.userId} IN (SELECT id FROM (${sql.raw(OWNERS)}))`, sql`${link.usedAtMs} IS NOT NULL`))
        .limit(1);
      return rows.length > 0;
    },
    async anyOwner() {
      const [row] = await db
        .select()
        .from(user)
        .where(sql`${user.id} IN (SELECT id FROM (${sql.raw(OWNERS)}))`)
        .orderBy(asc(user.createdAtMs))
        .limit(1);
      return row ?? null;
    },

    async caller(tokenHash, nowMs) {
      const [row] = await ask.caller.all({ hash: tokenHash, nowMs });
      return row ? { user: row.user, token: withoutHash(row.token) } : null;
    },
    async tokens(list) {
      const where = and(
        eq(token.kind, 'api'),
        list.name === undefined ? undefined : eq(token.name, list.name),
        list.userId === undefined ? undefined : eq(token.userId, list.userId),
      );
      const found = await db
        .select({ token, userName: user.name })
        .from(token)
        .innerJoin(user, eq(user.id, token.userId))
        .where(and(where, afterName(token.name, token.id, list.after)))
        .orderBy(asc(token.name), asc(token.id))
        .limit(list.limit + 1);
      const [row] = await db.select({ total: count() }).from(token).where(where);
      const page = pageOf(found, list.limit, row?.total ?? 0, (item) => `${item.token.name}/${item.token.id}`);
      return { ...page, items: page.items.map((item) => ({ token: withoutHash(item.token), userName: item.userName })) };
    },
    async addToken(added, hash, grants = [], record = undefined) {
      await refusingTakenNames(added.name, () =>
        db.batch([
          db.insert(token).values({ ...added, hash }),
          eventOf('token', added.id, false),
          ...grants.map(insertGrant),
          ...recording(record),
        ]),
      );
      changed();
    },
    async replaceToken(added, hash) {
      const same = and(eq(token.userId, added.userId), eq(token.name, added.name), eq(token.kind, added.kind));
      await db.batch([db.delete(token).where(same), db.insert(token).values({ ...added, hash }), eventOf('token', added.id, false)]);
      changed();
    },
    async token(id) {
      const [row] = await db.select().from(token).where(sql`${token.id} = ${id}`);
      return row ? withoutHash(row) : null;
    },
    async removeToken(id, record) {
      const [removed] = await db.batch([
        db.delete(token).where(eq(token.id, id)).returning({ id: token.id }),
        ...recording(record, true),
        db.delete(accessGrant).where(and(eq(accessGrant.principalKind, 'token'), eq(accessGrant.principalId, id))),
        eventOf('token', id, true),
      ]);
      changed();
      return removed.length > 0;
    },
    async touchToken(id, nowMs) {
      await db.update(token).set({ lastUsedAtMs: nowMs }).where(eq(token.id, id));
    },

    async addLink(hash, userId, expiresAtMs, record) {
      await db.batch([db.insert(link).values({ hash, userId, expiresAtMs }), ...recording(record)]);
    },
    async linkUser(hash, nowMs) {
      const [row] = await db
        .select({ user })
        .from(link)
        .innerJoin(user, eq(user.id, link.userId))
        .where(and(eq(link.hash, hash), isNull(link.usedAtMs), gt(link.expiresAtMs, nowMs)));
      return row?.user ?? null;
    },

    async addEnrolment(added, record) {
      await db.batch([db.insert(enrolment).values(added), ...recording(record)]);
    },
    async enrolment(tokenHash) {
      const [row] = await db.select().from(enrolment).where(eq(enrolment.tokenHash, tokenHash));
      return row ?? null;
    },
    async enrolments() {
      const rows = await db
        .select({ enrolment, usedBy: host.name })
        .from(enrolment)
        .leftJoin(host, eq(host.id, enrolment.usedByHostId))
        .orderBy(desc(enrolment.expiresAtMs), asc(enrolment.tokenHash))
        .limit(1_000);
      return rows.map((row) => ({ ...row.enrolment, usedBy: row.usedBy }));
    },
    async removeEnrolment(hashOrId, record) {
      const named = or(eq(enrolment.tokenHash, hashOrId), eq(sql`substr(${enrolment.tokenHash}, 1, ${ENROLMENT_ID_LENGTH})`, hashOrId));
      const unused = and(named, isNull(enrolment.usedByHostId));
      const [removed] = await db.batch([
        db.delete(enrolment).where(unused).returning({ hash: enrolment.tokenHash }),
        ...recording(record, true),
      ]);
      return removed.length > 0;
    },

    async idempotent(userId, key) {
      const [row] = await ask.idempotent.all({ userId, key });
      return row ?? null;
    },

    async addUpload(added) {
      await db.insert(upload).values(added);
    },
    async upload(id) {
      const [row] = await db.select().from(upload).where(eq(upload.id, id));
      return row ?? null;
    },
    uploads: () => db.select().from(upload),
    async removeUpload(id) {
      await db.delete(upload).where(eq(upload.id, id));
    },
  };
}

function withoutHash({ hash: _hash, ...rest }: typeof token.$inferSelect) {
  return rest;
}

const refusingTakenNames = (name: string, write: () => Promise<unknown>): Promise<void> =>
  refusing(new Problem('name-taken', `the name ${name} is taken`, { field: 'name', suggestion: 'choose another name' }), write);

/** `problem`: what it means when the database does not let this be written. */
async function refusing(problem: Problem, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw conflictOf(error) === null ? error : problem;
  }
}
