import type { Page } from '@drover/shared/api/views';
import type { AuditEntry, AuditFacts } from '@drover/shared/model/audit';
import type { Verdict } from '../core/audit-chain.ts';

export interface AuditFilter {
  readonly limit: number;
  /** The `next` of the page before: older ones. */
  readonly after?: string | undefined;
  readonly who?: string | undefined;
  /** "guest/107", "host/host_…". */
  readonly thing?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** The record of who did what. What is written into it is part of the commit of what was done (Change, or the statements beside it). */
export interface AuditStore {
  /** What is no part of a change: something that was refused, or came to nothing. */
  add(facts: AuditFacts): Promise<void>;
  /** The newest first. */
  entries(filter: AuditFilter): Promise<Page<AuditEntry>>;
  /** From a number on, the oldest first: for export. */
  from(number: number, limit: number): Promise<readonly AuditEntry[]>;
  /** Binds what was written since to all before it. Gives how many that were. */
  bind(): Promise<number>;
  /** Reads the whole record. */
  verify(): Promise<Verdict>;
}
