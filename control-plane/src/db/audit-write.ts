import type { AuditFacts } from '@drover/shared/model/audit';
import { type SQL, sql } from 'drizzle-orm';
import * as schema from './schema.ts';
import { insert, type Statement } from './statement.ts';

/** What the record says of a write goes into the same batch; none: what is written is nobody's doing, or is told of with what it is part of. */
export type Recorded = AuditFacts | undefined;

export const auditStatement = (facts: AuditFacts): Statement =>
  insert(schema.audit, { atMs: facts.atMs, who: facts.who, kind: facts.kind, thing: facts.id, facts });

/** Right after a statement that may have found nothing to change: then there is nothing to tell. */
export const auditIfChanged = ({ atMs, who, kind, id, ...rest }: AuditFacts): Statement => ({
  sql: 'INSERT INTO audit (at_ms, who, kind, thing, facts) SELECT ?, ?, ?, ?, ? WHERE changes() > 0',
  args: [atMs, who, kind, id, JSON.stringify({ atMs, who, kind, id, ...rest })],
});

/** The same for batches that Drizzle puts together. */
export const auditSql = ({ atMs, who, kind, id, ...rest }: AuditFacts, onlyIfChanged = false): SQL =>
  sql`INSERT INTO audit (at_ms, who, kind, thing, facts)
    SELECT ${atMs}, ${who}, ${kind}, ${id}, ${JSON.stringify({ atMs, who, kind, id, ...rest })}
    WHERE ${onlyIfChanged ? sql`changes() > 0` : sql`1`}`;
