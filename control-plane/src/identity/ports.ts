import type { PasswordHashes } from './password-hash.ts';

/** Keeps secrets that have to be read again. `context`: what it belongs to, so that it cannot be moved to another place. */
export interface Vault {
  seal(text: string, context: string): Promise<string> | string;
  open(sealed: string, context: string): Promise<string> | string;
}

/** What signing in needs of the world. */
export interface IdentityPorts {
  readonly hashes: PasswordHashes;
  readonly vault: Vault;
}
