import type { Privilege } from '@drover/shared/access/privilege';
import type { PoolQuota } from '@drover/shared/model/access';
import type { GrantId, GroupId, UserId } from '@drover/shared/model/id';

/** Who may do what, where: the things that decisions about rights rest on, and how they change. */

export interface Group {
  readonly id: GroupId;
  readonly name: string;
  readonly notes: string;
  /** The directory that it is kept in step with; null: it was made here. */
  readonly directory: string | null;
  readonly createdAtMs: number;
}

export interface Principal {
  readonly kind: 'user' | 'group' | 'token';
  readonly id: string;
}

/** A role for somebody, somewhere, perhaps until some day. */
export interface Grant {
  readonly id: GrantId;
  readonly principal: Principal;
  readonly role: string;
  readonly scope: string;
  readonly inherit: boolean;
  readonly untilMs: number | null;
  readonly byUser: string;
  readonly createdAtMs: number;
}

export interface CustomRole {
  readonly name: string;
  readonly privileges: readonly Privilege[];
  readonly createdAtMs: number;
}

export interface Pool {
  readonly path: string;
  readonly notes: string;
  readonly quota: PoolQuota;
  readonly createdAtMs: number;
}

export interface PoolMember {
  readonly kind: 'guest' | 'storage' | 'network';
  readonly id: string;
}

/** One change of these; what it must find as it is, the statement itself checks (db/commit-rights.ts). */
export type RightsWrite =
  | { readonly do: 'add-grant'; readonly grant: Grant }
  | { readonly do: 'remove-grant'; readonly id: GrantId }
  | { readonly do: 'add-group'; readonly group: Group }
  | { readonly do: 'remove-group'; readonly id: GroupId }
  | { readonly do: 'add-member' | 'remove-member'; readonly groupId: GroupId; readonly userId: UserId }
  | { readonly do: 'set-role'; readonly role: CustomRole }
  | { readonly do: 'remove-role'; readonly name: string }
  | { readonly do: 'add-pool'; readonly pool: Pool }
  | { readonly do: 'edit-pool'; readonly path: string; readonly notes: string; readonly quota: PoolQuota }
  | { readonly do: 'remove-pool'; readonly path: string }
  /** Something in it grows, as far as it was when that was decided. */
  | { readonly do: 'take-room'; readonly path: string; readonly version: number }
  /** Null: into none. */
  | { readonly do: 'set-pool'; readonly member: PoolMember; readonly path: string | null };
