import { join } from 'node:path';
import type { RotatableVault } from '../rotate-vault.ts';
import type { Vault } from '../vault.ts';
import { isSealedFile, readSealed } from './sealed-file.ts';
import { openVaultFile } from './vault-file.ts';

export const SIGNING_KEY_FILE = 'signing-key.json';
export const BROKER_SECRET_FILE = 'broker-secret';
/** All that lies sealed in the data folder, beside what does in the database. */
const SEALED_FILES = [SIGNING_KEY_FILE, BROKER_SECRET_FILE];

/** The vault for a data folder. `keysPath` null: its keys lie in the folder. */
export function openVaultOf(folder: string, keysPath: string | null, now: () => number): RotatableVault {
  const isNeeded = SEALED_FILES.some((name) => isSealedFile(join(folder, name)));
  return openVaultFile({ path: keysPath ?? join(folder, 'vault-keys.json'), now, isNeeded });
}

/** Puts every sealed file of the folder under the newest key. */
export async function sealFilesAnew(folder: string, vault: Vault): Promise<void> {
  for (const name of SEALED_FILES) await readSealed(join(folder, name), vault, () => {});
}
