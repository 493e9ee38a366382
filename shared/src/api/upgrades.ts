import { z } from 'zod';
import { Tag } from '../model/guest.ts';
import { GuestId, HostId } from '../model/id.ts';
import { HostPower } from '../model/task.ts';
import { TaskView, UpgradeStateView } from './views.ts';

/** What is done to hosts themselves, and to the agents on them. */

/** POST /upgrades: exactly one of the three. */
export const UpgradeHosts = z
  .strictObject({
    /** Names or ids. */
    hosts: z.array(z.string().min(1).max(64)).min(1).max(10_000).optional(),
    tag: Tag.optional(),
    all: z.literal(true).optional(),
  })
  .refine(({ hosts, tag, all }) => [hosts, tag, all].filter((choice) => choice !== undefined).length === 1, {
    message: 'say which hosts: hosts, tag or all',
  });
export type UpgradeHosts = z.infer<typeof UpgradeHosts>;

/** What an upgrade would do now: the release that this control plane has, and where each host stands. */
export const UpgradesView = z.object({
  release: z.object({ version: z.string(), build: z.string() }),
  hosts: z.array(
    z.object({
      id: HostId,
      name: z.string(),
      version: z.string().nullable(),
      build: z.string().nullable(),
      ...UpgradeStateView.shape,
    }),
  ),
});
export type UpgradesView = z.infer<typeof UpgradesView>;

/** POST /hosts/{host}/power */
export const PowerHost = z.strictObject({ action: HostPower });
export type PowerHost = z.infer<typeof PowerHost>;

/** GET /hosts/{host}/affected: what a reboot, a shutdown or the loss of the host means for its guests. */
export const AffectedGuestsView = z.object({
  items: z.array(
    z.object({
      id: GuestId,
      name: z.string(),
      type: z.enum(['container', 'vm']),
      power: z.enum(['running', 'stopped', 'unknown']),
      /** It is started again when the host is back. */
      comesBack: z.boolean(),
    }),
  ),
});
export type AffectedGuestsView = z.infer<typeof AffectedGuestsView>;

/** What a host carries out, and that has no resource of its own to show beside it. */
export const BegunView = z.object({ task: TaskView });
export type BegunView = z.infer<typeof BegunView>;
