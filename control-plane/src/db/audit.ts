import type { AuditEntry, AuditFacts } from '@drover/shared/model/audit';
import type { Client } from '@libsql/client';
import { and, asc, desc, eq, gt, gte, lt, sql } from 'drizzle-orm';
import type { LibSQLDatabase } from 'drizzle-orm/libsql';
import { BEGINNING, type Link, linksFor, verify } from '../core/audit-chain.ts';
import type { AuditStore } from './audit-store.ts';
import { auditStatement } from './audit-write.ts';
import { conflictOf } from './commit.ts';
import * as schema from './schema.ts';
import { insert } from './statement.ts';

const { audit, auditLink } = schema;
const AT_ONCE = 500;
const START: Link = { number: 0, hash: BEGINNING };

export function createAuditStore(db: LibSQLDatabase, client: Client): AuditStore {
  async function lastLink(): Promise<Link> {
    const [row] = await db.select().from(auditLink).orderBy(desc(auditLink.number)).limit(1);
    return row ?? START;
  }
  const numbered = (after: number) =>
    db
      .select({ number: audit.number, facts: audit.facts })
      .from(audit)
      .where(gt(audit.number, after))
      .orderBy(asc(audit.number))
      .limit(AT_ONCE);

  async function bind(): Promise<number> {
    const last = await lastLink();
    const found = await numbered(last.number);
    const links = linksFor(last, found);
    if (links.length === 0) return 0;
    try {
      await client.batch(
        links.map((link) => insert(auditLink, link)),
        'write',
      );
    } catch (error) {
      // Another process was quicker, with the very same hashes.
      if (conflictOf(error) === null) throw error;
    }
    return links.length;
  }
  async function bindAll(): Promise<number> {
    let bound = 0;
    for (let more = await bind(); more > 0; more = await bind()) bound += more;
    return bound;
  }

  const read = (where: ReturnType<typeof and>) =>
    db
      .select({ number: audit.number, facts: audit.facts, hash: auditLink.hash })
      .from(audit)
      .leftJoin(auditLink, eq(auditLink.number, audit.number))
      .where(where);
  const entryOf = ({ number, facts, hash }: { number: number; facts: AuditFacts; hash: string | null }): AuditEntry => ({
    ...facts,
    number,
    hash: hash ?? '',
  });

  return {
    add: async (facts) => void (await client.execute(auditStatement(facts))),
    async entries({ limit, after, who, thing, sinceMs, untilMs }) {
      await bindAll();
      const [kind, id] = thing?.split(/\/(.*)/s) ?? [];
      const where = and(
        who === undefined ? undefined : eq(audit.who, who),
        kind === undefined ? undefined : eq(audit.kind, kind),
        id === undefined || id === '' ? undefined : eq(audit.thing, id),
        sinceMs === undefined ? undefined : gte(audit.atMs, sinceMs),
        untilMs === undefined ? undefined : lt(audit.atMs, untilMs),
      );
      const older = after === undefined ? undefined : lt(audit.number, Number(after));
      const found = await read(and(where, older))
        .orderBy(desc(audit.number))
        .limit(limit + 1);
      const [row] = await db.select({ total: sql<number>`count(*)` }).from(audit).where(where);
      const items = found.slice(0, limit).map(entryOf);
      const next = found.length > limit ? String(items.at(-1)?.number) : null;
      return { items, next, total: row?.total ?? 0 };
    },
    async from(number, limit) {
      await bindAll();
      const found = await read(gte(audit.number, number)).orderBy(asc(audit.number)).limit(limit);
      return found.map(entryOf);
    },
    bind: bindAll,
    async verify() {
      await bindAll();
      for (let last = START; ; ) {
        const found = await numbered(last.number);
        const rows = await db
          .select()
          .from(auditLink)
          .where(gt(auditLink.number, last.number))
          .orderBy(asc(auditLink.number))
          .limit(AT_ONCE);
        const verdict = verify(last, found, new Map(rows.map((row) => [row.number, row.hash])));
        if (verdict.is === 'broken') return verdict;
        // A link without its entry: the newest ones were cut off.
        const [beyond] = rows.filter((row) => row.number > verdict.last.number);
        if (found.length < AT_ONCE && beyond) return { is: 'broken', number: beyond.number, because: 'it is missing' };
        if (found.length === 0) return verdict;
        last = verdict.last;
      }
    },
  };
}
