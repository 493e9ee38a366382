import { z } from 'zod';
import { MapExplanation, ThingExplanation } from '../access/explanation.ts';
import { Privilege } from '../access/privilege.ts';
import { DroverScope } from '../access/scope.ts';
import { PoolPath, PoolQuota, RoleName } from '../model/access.ts';
import { GrantId, GroupId, Name, UserId } from '../model/id.ts';

/** Who may do what, where: what the API takes and answers. */

const Ref = z.string().min(1).max(200);

/** `who` is "user:anna", "group:ops" or "token:anna!ci". */
export const PrincipalRef = z
  .string()
  .max(200)
  .regex(/^(user|group|token):.+$/, 'user:NAME, group:NAME or token:OWNER!NAME');

export const CreateGrant = z.strictObject({
  who: PrincipalRef,
  role: RoleName,
  /** "/", "/vms/107", "/vms/web", "/pool/shop", "/tag/prod", "/nodes/fra-1", "/storage/…", "/network/…", "/access": things by name or id. */
  scope: z.string().min(1).max(300),
  /** Also on what is below it, in it or on it. */
  inherit: z.boolean().default(true),
  /** Until then; null: without an end. */
  untilMs: z.number().int().min(0).nullable().default(null),
});
export type CreateGrant = z.input<typeof CreateGrant>;

export const GrantView = z.object({
  id: GrantId,
  who: z.object({ kind: z.enum(['user', 'group', 'token']), id: z.string(), /** Null: gone. */ name: z.string().nullable() }),
  role: z.string(),
  scope: DroverScope,
  /** What people call the thing; null: it has no other name, or is gone. */
  scopeName: z.string().nullable(),
  inherit: z.boolean(),
  untilMs: z.number().int().nullable(),
  isOver: z.boolean(),
  createdBy: z.string(),
  createdAtMs: z.number().int(),
});
export type GrantView = z.infer<typeof GrantView>;
export const GrantsView = z.object({ items: z.array(GrantView) });

export const CreateGroup = z.strictObject({ name: Name, notes: z.string().max(8_192).optional() });
export type CreateGroup = z.infer<typeof CreateGroup>;
export const GroupMember = z.strictObject({ user: Ref });
export const GroupView = z.object({
  id: GroupId,
  name: z.string(),
  notes: z.string(),
  /** The directory that keeps it; null: it was made here. */
  directory: z.string().nullable(),
  members: z.array(z.object({ id: UserId, name: z.string() })),
  createdAtMs: z.number().int(),
});
export type GroupView = z.infer<typeof GroupView>;

export const CreateRole = z.strictObject({ name: RoleName, privileges: z.array(Privilege).min(1).max(64) });
export type CreateRole = z.infer<typeof CreateRole>;
export const RoleView = z.object({
  name: z.string(),
  isBuiltIn: z.boolean(),
  summary: z.string().nullable(),
  privileges: z.array(Privilege),
  /** It takes away whatever else was given. */
  cancels: z.boolean(),
  /** How often it is granted. */
  grants: z.number().int(),
});
export type RoleView = z.infer<typeof RoleView>;
export const RolesView = z.object({
  items: z.array(RoleView),
  /** What each privilege lets one do. */
  privileges: z.array(z.object({ name: Privilege, summary: z.string() })),
});
export type RolesView = z.infer<typeof RolesView>;

export const CreatePool = z.strictObject({ path: PoolPath, notes: z.string().max(8_192).optional(), quota: PoolQuota.optional() });
export type CreatePool = z.infer<typeof CreatePool>;
export const EditPool = z.strictObject({ notes: z.string().max(8_192).optional(), quota: PoolQuota.optional() });
export type EditPool = z.infer<typeof EditPool>;
export const PoolView = z.object({
  path: z.string(),
  notes: z.string(),
  quota: PoolQuota,
  members: z.array(z.object({ kind: z.enum(['guest', 'storage', 'network']), id: z.string(), name: z.string() })),
  createdAtMs: z.number().int(),
});
export type PoolView = z.infer<typeof PoolView>;
export const PoolsView = z.object({ items: z.array(PoolView) });
/** Null: into none. */
export const SetPool = z.strictObject({ pool: PoolPath.nullable() });
export type SetPool = z.infer<typeof SetPool>;

/** `who`: "user:anna", "group:ops", "token:anna!ci", or without the kind; left out: who asks. `path` left out: every path that is named. */
export const ExplainQuery = z.strictObject({ who: Ref.optional(), path: z.string().min(1).max(300).optional() });
export type ExplainQuery = z.infer<typeof ExplainQuery>;

/** GET /access/holders: who may do anything at all with the thing at a path. */
export const HoldersQuery = z.strictObject({ path: z.string().min(1).max(300) });
export const HoldersView = z.object({
  path: z.string(),
  items: z.array(
    z.object({
      who: z.object({ kind: z.enum(['user', 'group', 'token']), id: z.string(), name: z.string() }),
      privileges: z.array(z.string()),
    }),
  ),
});
export type HoldersView = z.infer<typeof HoldersView>;

/** By path and by "user:{id}": what people call it. */
const Names = z.record(z.string(), z.string());
export const LiveThingExplanation = ThingExplanation.extend({ names: Names });
export type LiveThingExplanation = z.infer<typeof LiveThingExplanation>;
export const LiveMapExplanation = MapExplanation.extend({ names: Names });
export type LiveMapExplanation = z.infer<typeof LiveMapExplanation>;
export const LiveExplanation = z.union([LiveThingExplanation, LiveMapExplanation]);
export type LiveExplanation = z.infer<typeof LiveExplanation>;
