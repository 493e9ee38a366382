import { z } from 'zod';
import type { Random } from '../lib/random.ts';

/** A guest's id is a number: short enough for device names (tap107i0), for people and for Proxmox VE's API. Never used again. */
export const GuestId = z.number().int().min(100).max(9_999_999);
export type GuestId = z.infer<typeof GuestId>;

const prefixed = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_[a-z0-9]{8,40}$`), `an id that starts with ${prefix}_`);

/** A host's id is derived from its public key (hostIdOfKey), so it can be renamed, moved and re-addressed. */
export const HostId = prefixed('host').brand<'HostId'>();
export type HostId = z.infer<typeof HostId>;
export const ImageId = prefixed('image').brand<'ImageId'>();
export type ImageId = z.infer<typeof ImageId>;
export const StorageId = prefixed('storage').brand<'StorageId'>();
export type StorageId = z.infer<typeof StorageId>;
export const NetworkId = prefixed('network').brand<'NetworkId'>();
export type NetworkId = z.infer<typeof NetworkId>;
export const TaskId = prefixed('task').brand<'TaskId'>();
export type TaskId = z.infer<typeof TaskId>;
export const UserId = prefixed('user').brand<'UserId'>();
export type UserId = z.infer<typeof UserId>;
export const TokenId = prefixed('token').brand<'TokenId'>();
export type TokenId = z.infer<typeof TokenId>;
export const DirectoryId = prefixed('directory').brand<'DirectoryId'>();
export type DirectoryId = z.infer<typeof DirectoryId>;
export const GroupId = prefixed('group').brand<'GroupId'>();
export type GroupId = z.infer<typeof GroupId>;
export const GrantId = prefixed('grant').brand<'GrantId'>();
export type GrantId = z.infer<typeof GrantId>;

const ID_SCHEMAS = {
  ...{ image: ImageId, storage: StorageId, network: NetworkId, task: TaskId },
  ...{ user: UserId, token: TokenId, group: GroupId, grant: GrantId, directory: DirectoryId },
} as const;
type IdOf<P extends keyof typeof ID_SCHEMAS> = z.infer<(typeof ID_SCHEMAS)[P]>;

/** A fresh random id such as task_4k2…: 20 characters of [a-z0-9], about 103 bits. */
export function newId<P extends keyof typeof ID_SCHEMAS>(prefix: P, random: Random): IdOf<P> {
  return ID_SCHEMAS[prefix].parse(`${prefix}_${random.text(20)}`) as IdOf<P>;
}

/** Names people give: also a valid DNS label, so that it can be the guest's host name; not all digits, so that it is never taken for an id. */
export const Name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'use 1 to 63 small letters, digits and hyphens, not at either end')
  .refine((name) => !/^\d+$/.test(name), 'a name needs at least one letter');

/** An image's name may have dots: debian-13, ubuntu-24.04. */
export const ImageName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, 'use 1 to 63 small letters, digits, dots and hyphens, not at either end')
  .refine((name) => !/^\d+$/.test(name) && !name.includes('..'), 'a name needs at least one letter and no two dots in a row');
