import { z } from 'zod';

/** done: it is written with what it did. refused: nothing was changed. failed: it was tried and came to nothing. */
export const AuditOutcome = z.enum(['done', 'refused', 'failed']);
export type AuditOutcome = z.infer<typeof AuditOutcome>;

/** One thing that somebody did, or tried to: who, with what, from where, what, on which generation, what came of it. */
export const AuditFacts = z.strictObject({
  atMs: z.number().int(),
  /** Their name as it was then; what is not of a person is "drover" itself, or a host. */
  who: z.string(),
  whoId: z.string().nullable(),
  /** browser, api (a token), cli, link, agent, shell, drover. */
  via: z.string(),
  /** The token or session that it was done with. */
  tokenId: z.string().nullable(),
  address: z.string().nullable(),
  /** "POST /api/v1/guests/{guest}/start", "sign-in", "host.enrol". */
  action: z.string(),
  kind: z.string().nullable(),
  id: z.string().nullable(),
  name: z.string().nullable(),
  generation: z.number().int().nullable(),
  taskId: z.string().nullable(),
  outcome: AuditOutcome,
  /** In words, where there is more to say: the fields that were changed, why it was refused. Never a value that is secret. */
  detail: z.string().nullable(),
});
export type AuditFacts = z.infer<typeof AuditFacts>;

/** As it stands in the record: numbered, and bound to all before it by its hash. */
export const AuditEntry = AuditFacts.extend({ number: z.number().int(), hash: z.string() });
export type AuditEntry = z.infer<typeof AuditEntry>;
