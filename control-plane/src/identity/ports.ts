import type { Vault } from '../vault.ts';
import type { PasswordHashes } from './password-hash.ts';

/** What signing in needs of the world. */
export interface IdentityPorts {
  readonly hashes: PasswordHashes;
  readonly vault: Vault;
}
