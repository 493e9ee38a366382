import { z } from 'zod';
import { Grant, Principal } from './facts.ts';

/** What became of one grant on the way to a thing. */
export const Reason = z.strictObject({
  grant: Grant,
  /** The path by which it came: the thing's own, or that of the pool, tag or host that the thing is in. */
  via: z.string(),
  /** Whose grants it stands among: those asked about, or the owner of a token. */
  side: z.enum(['own', 'owner']),
  effect: z.enum(['gives', 'cancels', 'expired', 'not-inherited', 'replaced', 'cancelled']),
  /** The grants that replaced or cancelled it. */
  by: z.array(Grant),
  sentence: z.string(),
});
export type Reason = z.infer<typeof Reason>;

/** One privilege on a thing, with what gave it, or what stood in the way of what would have. */
export const ExplainedPrivilege = z.strictObject({
  privilege: z.string(),
  /** Whether they have it below the thing too. */
  inherit: z.boolean(),
  because: z.array(Reason),
  sentence: z.string(),
});
export type ExplainedPrivilege = z.infer<typeof ExplainedPrivilege>;

const Asked = {
  who: Principal.extend({ name: z.string() }),
  atMs: z.number().int(),
  /** Why they have nothing anywhere, or null. */
  refused: z.strictObject({ because: z.string(), sentence: z.string() }).nullable(),
};

/** What somebody may do with one thing, and why. */
export const ThingExplanation = z.strictObject({
  ...Asked,
  path: z.string(),
  memberOf: z.array(z.string()),
  privileges: z.array(ExplainedPrivilege),
  /** Those that some grant names, and that they do not have. */
  withheld: z.array(ExplainedPrivilege),
  /** The grants that take everything away here. */
  cancelledBy: z.array(Reason),
});
export type ThingExplanation = z.infer<typeof ThingExplanation>;

/** What somebody may do, wherever a path is known. */
export const MapExplanation = z.strictObject({
  ...Asked,
  paths: z.array(
    z.strictObject({
      path: z.string(),
      memberOf: z.array(z.string()),
      privileges: z.array(z.strictObject({ privilege: z.string(), inherit: z.boolean() })),
    }),
  ),
});
export type MapExplanation = z.infer<typeof MapExplanation>;
