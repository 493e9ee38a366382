import type { IndexedFacts } from '@drover/shared/access/index-facts';
import type { Page } from '@drover/shared/api/views';
import type { GrantId, GroupId, UserId } from '@drover/shared/model/id';
import type { PoolRoom } from '../core/quotas.ts';
import type { CustomRole, Grant, Group, Pool, PoolMember, Principal } from '../core/rights.ts';
import type { ListByName } from './store.ts';
import type { FindThings } from './things.ts';

export interface GroupRecord {
  readonly group: Group;
  readonly members: readonly { readonly id: UserId; readonly name: string }[];
}

/** With what people call those it is about; null: they are gone. */
export interface GrantRecord {
  readonly grant: Grant;
  readonly principalName: string | null;
}

export interface PoolRecord {
  readonly pool: Pool;
  readonly members: readonly (PoolMember & { readonly name: string })[];
}

/** Who may do what, where. What changes it is part of a Change (core/change.ts), like everything else. */
export interface RightsStore {
  /** All that decisions rest on, as of now: read anew only when it has changed. Of pools only storages and networks are listed. */
  facts(): Promise<IndexedFacts>;
  find: FindThings;

  grants(filter: { readonly scope?: string | undefined; readonly principal?: Principal | undefined }): Promise<readonly GrantRecord[]>;
  grant(id: string): Promise<GrantRecord | null>;
  /** How many enabled people own everything without an end, other than by this grant, and other than this person. */
  ownersBeside(beside: { readonly grant?: GrantId; readonly user?: UserId; readonly group?: GroupId }): Promise<number>;

  /** `ref`: id or name. */
  group(ref: string): Promise<GroupRecord | null>;
  groups(list: ListByName): Promise<Page<GroupRecord>>;

  role(name: string): Promise<CustomRole | null>;
  roles(): Promise<readonly CustomRole[]>;

  pool(path: string): Promise<PoolRecord | null>;
  pools(): Promise<readonly Pool[]>;
  /** The pool and those around it, with what is in them; none: there is no such pool. */
  rooms(path: string): Promise<readonly PoolRoom[]>;
}
