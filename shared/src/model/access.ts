import { z } from 'zod';

/** What all the guests of a pool, and of those inside of it, may come to together. What is left out has no limit. */
export const PoolQuota = z.strictObject({
  guestsMax: z.number().int().min(0).max(100_000).optional(),
  coresMax: z.number().int().min(0).max(1_000_000).optional(),
  memoryBytesMax: z.number().int().min(0).optional(),
  diskBytesMax: z.number().int().min(0).optional(),
});
export type PoolQuota = z.infer<typeof PoolQuota>;

/** Inside of one another up to three deep: "shop", "shop/test". */
export const PoolPath = z
  .string()
  .max(192)
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}(\/[a-z0-9][a-z0-9-]{0,62}){0,2}$/,
    'use small letters, digits and hyphens; a/b is a pool inside of a, up to three deep',
  );
export type PoolPath = z.infer<typeof PoolPath>;

/** A role's name: of one's own, or one that is built in. */
export const RoleName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, 'use 1 to 63 letters, digits, dots, hyphens and underscores');
export type RoleName = z.infer<typeof RoleName>;
