import { z } from 'zod';

/** Built-in roles; each includes the rights of those after it. Grants on scopes come later. */
export const Role = z.enum(['owner', 'operator', 'viewer']);
export type Role = z.infer<typeof Role>;

/** What a route may ask for; see control-plane/src/core/access.ts for who has which. */
export const Right = z.enum([
  'view',
  'guest.create',
  'guest.edit',
  'guest.power',
  'guest.console',
  'guest.delete',
  'image.edit',
  'task.cancel',
  'host.edit',
  'access.edit',
  'self',
]);
export type Right = z.infer<typeof Right>;
