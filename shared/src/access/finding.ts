import { z } from 'zod';

/** A list that is closed: programs may branch on it. */
export const FindingCode = z.enum([
  'unknown-principal',
  'unknown-role',
  'unknown-pool',
  'unknown-member',
  'unknown-owner',
  'scope-of-nothing',
  'expired',
  'principal-without-rights',
  'replaced',
  'cancelled',
  'duplicate',
  'token-grant-ignored',
  'token-exceeds-owner',
  'token-without-grants',
  'empty-group',
  'empty-role',
  'unused-role',
  'own-privilege',
  'owner-without-second-factor',
  'nobody-gives-rights',
]);
export type FindingCode = z.infer<typeof FindingCode>;

/** Something in a bundle that cannot be meant so, or that somebody should know of. */
export const Finding = z.strictObject({
  code: FindingCode,
  severity: z.enum(['error', 'warning', 'note']),
  /** Its place in the bundle: "grants.3". */
  where: z.string(),
  sentence: z.string(),
});
export type Finding = z.infer<typeof Finding>;
