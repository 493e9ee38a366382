import type { SignInWay } from '@drover/shared/api/identity';
import type { Page } from '@drover/shared/api/views';
import type { HostId, TokenId, UserId } from '@drover/shared/model/id';
import type { IdempotencyKey } from '../core/change.ts';
import type { Grant } from '../core/rights.ts';
import type { Recorded } from './audit-write.ts';
import type { ListByName } from './store.ts';

export interface User {
  readonly id: UserId;
  readonly name: string;
  readonly createdAtMs: number;
  /** Since when nothing of theirs lets them in; null or absent: they may come in. */
  readonly disabledAtMs?: number | null;
  readonly disabledBecause?: string | null;
}

/** api: made by a person for a program. session: a signed-in browser. Only the hash of the secret is kept (secret.ts). */
export interface Token {
  readonly id: TokenId;
  readonly kind: 'api' | 'session';
  readonly name: string;
  readonly userId: UserId;
  /** It may do what was granted to itself, as far as its user may; otherwise all that its user may. */
  readonly ownGrantsOnly: boolean;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** Of sessions: how long it may lie unused, what it is good for, and where it was begun. */
  readonly idleMs?: number | null;
  readonly setupOnly?: boolean;
  readonly way?: SignInWay | null;
  readonly device?: string | null;
  readonly address?: string | null;
}

export interface Enrolment {
  readonly tokenHash: string;
  /** What the host shall be called; null: as it calls itself. */
  readonly name: string | null;
  readonly createdBy: string;
  readonly expiresAtMs: number;
  readonly usedByHostId: HostId | null;
}

export interface Upload {
  readonly id: string;
  readonly hostId: HostId;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly createdAtMs: number;
}

/** Who may come in: users, tokens, one-time links, enrolment tokens; and the memory of idempotency keys and uploads. */
export interface AccessStore {
  /** `ref`: id or name. */
  user(ref: string): Promise<User | null>;
  users(list: ListByName): Promise<Page<User>>;
  /** With what they are granted. Throws Problem name-taken. */
  addUser(user: User, grants: readonly Grant[], record?: Recorded): Promise<void>;
  /** With the user's tokens and links. False: there was none. The last owner cannot be removed (Problem wrong-state). */
  removeUser(id: UserId, record?: Recorded): Promise<boolean>;
  /** Somebody who owns everything without an end; null: nobody does. */
  anyOwner(): Promise<User | null>;
  /** Has any of these ever signed in through a link? */
  ownerEverSignedIn(): Promise<boolean>;

  /** The user and token of a secret, unless it has expired. */
  caller(tokenHash: string, nowMs: number): Promise<{ readonly user: User; readonly token: Token } | null>;
  tokens(list: ListByName & { readonly userId?: UserId | undefined }): Promise<Page<{ readonly token: Token; readonly userName: string }>>;
  /** With what is granted to it. Throws Problem name-taken: api tokens of one user have different names. */
  addToken(token: Token, tokenHash: string, grants?: readonly Grant[], record?: Recorded): Promise<void>;
  /** Gives the named token of this user a new secret, making it if need be: the token of "this machine". */
  replaceToken(token: Token, tokenHash: string): Promise<void>;
  token(id: string): Promise<Token | null>;
  removeToken(id: TokenId, record?: Recorded): Promise<boolean>;
  touchToken(id: TokenId, nowMs: number): Promise<void>;

  addLink(linkHash: string, userId: UserId, expiresAtMs: number, record?: Recorded): Promise<void>;
  /** The user whom the link signs in; null: no such link, used, or expired. It is used up in the batch that begins the session. */
  linkUser(linkHash: string, nowMs: number): Promise<User | null>;

  addEnrolment(enrolment: Omit<Enrolment, 'usedByHostId'>, record?: Recorded): Promise<void>;
  enrolment(tokenHash: string): Promise<Enrolment | null>;
  /** The newest first, with the host that each was used by; null: by none. */
  enrolments(): Promise<readonly (Enrolment & { readonly usedBy: string | null })[]>;
  /** Takes an unused one back: all of its hash, or the beginning that lists show. False: there was none. */
  removeEnrolment(hashOrId: string, record?: Recorded): Promise<boolean>;

  /** What was answered to this key before: the method, path and body it came with, and the decision's answer. */
  idempotent(userId: UserId, key: string): Promise<(IdempotencyKey & { readonly answer: unknown }) | null>;

  addUpload(upload: Upload): Promise<void>;
  upload(id: string): Promise<Upload | null>;
  uploads(): Promise<readonly Upload[]>;
  removeUpload(id: string): Promise<void>;
}
