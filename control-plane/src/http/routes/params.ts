import { z } from 'zod';

/** A name or an id, in an address. */
export const Ref = z.string().min(1).max(64);
/** `?force=true` */
export const Flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((word) => word === 'true');
