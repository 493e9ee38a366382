import type { SignInPolicy } from '@drover/shared/api/identity';
import type { DirectoryId, UserId } from '@drover/shared/model/id';
import type { Token, User } from './access-store.ts';
import type { Recorded } from './audit-write.ts';
import type * as schema from './identity-schema.ts';
import type { Statement } from './statement.ts';

export type Totp = typeof schema.totp.$inferSelect;
export type Passkey = typeof schema.passkey.$inferSelect;
export type SignInTicket = typeof schema.signInTicket.$inferSelect;
export type Directory = typeof schema.directory.$inferSelect;
export type DirectoryUser = typeof schema.directoryUser.$inferSelect;

/** Everything that a user can prove themselves with. */
export interface SignInWays {
  readonly password: { readonly hash: string; readonly setAtMs: number } | null;
  readonly totp: Totp | null;
  readonly recoveryCodesLeft: number;
  readonly passkeys: readonly Passkey[];
  /** The names of the directories that know this user. */
  readonly directories: readonly string[];
}

export interface Session extends Token {
  readonly userName: string;
}

/** How people prove who they are. What changes is written by statements (identity-writes.ts), all that belong together in one batch. */
export interface IdentityStore {
  ways(userId: UserId): Promise<SignInWays>;
  passkey(id: string): Promise<Passkey | null>;
  /** Not expired. */
  ticket(hash: string, nowMs: number): Promise<SignInTicket | null>;
  /** Has this user such a code, which was not used? */
  hasRecoveryCode(userId: UserId, hash: string): Promise<boolean>;
  /** Has this user signed in from there before? */
  isKnownAddress(userId: UserId, address: string): Promise<boolean>;
  policy(): Promise<SignInPolicy>;
  sessions(of: { readonly userId?: UserId | undefined; readonly nowMs: number; readonly limit: number }): Promise<readonly Session[]>;
  directories(): Promise<readonly Directory[]>;
  /** By id or name. */
  directory(ref: string): Promise<Directory | null>;
  directoryUser(directoryId: DirectoryId, subject: string): Promise<(DirectoryUser & { readonly user: User }) | null>;
  directoryUsers(directoryId: DirectoryId): Promise<readonly (DirectoryUser & { readonly user: User })[]>;
  /** One batch: everything, or nothing and false, when a guard among them did not hold. */
  write(statements: readonly Statement[], record?: Recorded): Promise<boolean>;
}
