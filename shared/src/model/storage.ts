import { z } from 'zod';
import { Name } from './id.ts';

/** A driver's name and that driver's own settings, whose JSON Schema the host publishes. */
export const StorageSpec = z.strictObject({
  name: Name,
  driver: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  config: z.record(z.string(), z.unknown()),
});
export type StorageSpec = z.infer<typeof StorageSpec>;

export const StorageStatus = z.object({
  ready: z.boolean().default(false),
  totalBytes: z.number().int().nullable().default(null),
  freeBytes: z.number().int().nullable().default(null),
});
export type StorageStatus = z.infer<typeof StorageStatus>;
