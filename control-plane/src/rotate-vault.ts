import { Problem } from '@drover/shared/lib/problem';
import type { SealedStore } from './db/sealed-store.ts';
import type { Vault } from './vault.ts';

/** A vault whose keys can be changed. A service for keys changes them by itself. */
export interface RotatableVault extends Vault {
  /** From now on another key seals; those before it still open. Durable when it returns. */
  addKey(): void;
  /** Forgets all keys but the newest. What is not sealed anew by then is lost. */
  dropOldKeys(): void;
  /** Ids of the keys, the newest last. */
  keyIds(): readonly string[];
}

export interface Rotation {
  readonly vault: RotatableVault;
  readonly values: SealedStore;
  /** Puts what lies sealed in files under the newest key. */
  readonly sealFilesAnew: () => Promise<void>;
}

/**
 * Puts every secret under a new key, and forgets the keys before it, in this order: whenever it is cut short, all that is sealed can be
 * opened, and the next try goes on with the key that this one had made. Nothing else may seal meanwhile. Gives the number of values in the
 * database that were sealed anew.
 */
export async function rotateVault({ vault, values, sealFilesAnew }: Rotation): Promise<number> {
  if (vault.keyIds().length === 1) vault.addKey();
  await sealFilesAnew();
  let count = 0;
  for (const value of await values.all()) {
    if (vault.isCurrent(value.sealed)) continue;
    const text = await vault.open(value.sealed, value.context);
    if (await values.replace(value, await vault.seal(text, value.context))) count += 1;
  }
  for (const keyId of vault.keyIds().slice(0, -1)) {
    const left = await values.columnsUnder(keyId);
    if (left.length > 0) {
      throw new Problem('in-use', `something is still sealed by the key before, in ${left.join(', ')}: that key is kept`, {
        suggestion: 'end every control plane on this database, and run this again',
      });
    }
  }
  vault.dropOldKeys();
  return count;
}
