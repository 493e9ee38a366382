import type { Vault } from '../vault.ts';
import type { Ldap } from './ldap.ts';
import type { PasswordHashes } from './password-hash.ts';

/** What signing in needs of the world. */
export interface IdentityPorts {
  readonly hashes: PasswordHashes;
  readonly vault: Vault;
  /** Null: it cannot be spoken where this runs. */
  readonly ldap: Ldap | null;
}
