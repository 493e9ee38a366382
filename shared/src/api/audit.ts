import { z } from 'zod';

/** Who did what: the newest first. */
export const ListAudit = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  after: z
    .string()
    .regex(/^\d{1,15}$/, 'not the `next` of a page')
    .optional(),
  /** Somebody's name. */
  who: z.string().min(1).max(64).optional(),
  /** "guest/107", or a kind alone: "host". */
  thing: z.string().min(1).max(120).optional(),
  sinceMs: z.coerce.number().int().min(0).optional(),
  untilMs: z.coerce.number().int().min(0).optional(),
});
export type ListAudit = z.infer<typeof ListAudit>;

export const AuditVerdict = z.object({
  isWhole: z.boolean(),
  /** The number of the last entry, and the hash that it and all before it come to: kept elsewhere, it proves that none was cut off since. */
  last: z.object({ number: z.number().int(), hash: z.string() }).nullable(),
  /** Of a record that is broken: the first entry that is not as it was written. */
  broken: z.object({ number: z.number().int(), because: z.string() }).nullable(),
});
export type AuditVerdict = z.infer<typeof AuditVerdict>;
