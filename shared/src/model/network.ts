import { z } from 'zod';
import { Name } from './id.ts';

/** A driver's name and that driver's own settings, whose JSON Schema the host publishes. */
export const NetworkSpec = z.strictObject({
  name: Name,
  driver: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  config: z.record(z.string(), z.unknown()),
});
export type NetworkSpec = z.infer<typeof NetworkSpec>;

export const NetworkStatus = z.object({ ready: z.boolean().default(false) });
export type NetworkStatus = z.infer<typeof NetworkStatus>;
