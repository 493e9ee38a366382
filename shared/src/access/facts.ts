import { z } from 'zod';
import { ScopePath } from './scope.ts';

const Id = z.string().min(1).max(200);
const Moment = z.number().int().nullable();

/** Who can be given a role. */
export const Principal = z.strictObject({ kind: z.enum(['user', 'group', 'token']), id: Id });
export type Principal = z.infer<typeof Principal>;

/** A role for somebody on a scope; with `inherit` also on what is below it. */
export const Grant = z.strictObject({
  id: Id,
  principal: Principal,
  role: Id,
  scope: ScopePath,
  inherit: z.boolean(),
  /** From then on it does not exist. */
  untilMs: Moment,
});
export type Grant = z.infer<typeof Grant>;

export const UserFacts = z.strictObject({
  id: Id,
  name: z.string(),
  isEnabled: z.boolean(),
  expiresAtMs: Moment,
  hasSecondFactor: z.boolean(),
});
export type UserFacts = z.infer<typeof UserFacts>;

/** Members are users: what a directory nests is flat by now. */
export const GroupFacts = z.strictObject({ id: Id, name: z.string(), members: z.array(Id) });
export type GroupFacts = z.infer<typeof GroupFacts>;

/** One that cancels gives nothing, and takes away whatever else was given. */
export const RoleFacts = z.strictObject({ name: Id, privileges: z.array(z.string()), cancels: z.boolean() });
export type RoleFacts = z.infer<typeof RoleFacts>;

export const TokenFacts = z.strictObject({
  id: Id,
  name: z.string(),
  /** A user's id. */
  owner: Id,
  /** It has what is granted to itself, and never more than its owner; else all that its owner has. */
  ownGrantsOnly: z.boolean(),
  expiresAtMs: Moment,
});
export type TokenFacts = z.infer<typeof TokenFacts>;

/** A pool, tag or host, and the paths of the things in it. */
export const ContainerFacts = z.strictObject({ path: ScopePath, members: z.array(ScopePath) });
export type ContainerFacts = z.infer<typeof ContainerFacts>;

/**
 * Everything that rights follow from.
 * `roles` has the built-in ones too. `containers` must name every pool: one that is not there does not count. Who is in them need
 * be said only where `thingAt` is asked, as things carry it themselves; tags and hosts likewise.
 */
export const AccessFacts = z.strictObject({
  users: z.array(UserFacts),
  groups: z.array(GroupFacts),
  roles: z.array(RoleFacts),
  containers: z.array(ContainerFacts),
  tokens: z.array(TokenFacts),
  grants: z.array(Grant),
});
export type AccessFacts = z.infer<typeof AccessFacts>;
