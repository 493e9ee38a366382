import { base64url, bytesOfBase64url } from '@drover/shared/lib/base64url';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';

/** A secret as it is kept: the id of the key that it is under, then nonce and ciphertext. */
export const Sealed = z.string().regex(/^sealed1\.[a-z0-9]{16}\.[A-Za-z0-9_-]{38,}$/);
export type Sealed = z.infer<typeof Sealed>;

/** What keeps secrets closed at rest: keys in a file, or a service for keys. The keys never leave the implementation. */
export interface Vault {
  /** `context` names the one place where the secret is kept, as "file signing-key.json d". */
  seal(text: string, context: string): Promise<Sealed>;
  /** Throws Problem when it was sealed for another place, was changed, or its key is not there. */
  open(sealed: Sealed, context: string): Promise<string>;
  /** Is it under the newest key? */
  isCurrent(sealed: Sealed): boolean;
}

export interface VaultKey {
  readonly id: string;
  /** 32 of them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const NONCE_BYTES = 12;
const AES = { name: 'AES-GCM' };

/** AES-256-GCM, which every runtime has. `keys`: as they are at the moment, the newest last; that one seals, and all of them open. */
export function createVault(keys: () => readonly VaultKey[]): Vault {
  const imported = new Map<string, Promise<CryptoKey>>();
  const keyIdIn = (sealed: Sealed): string => sealed.split('.')[1] ?? '';
  function cryptoKey({ id, bytes }: VaultKey): Promise<CryptoKey> {
    const known = imported.get(id) ?? crypto.subtle.importKey('raw', bytes, AES, false, ['encrypt', 'decrypt']);
    imported.set(id, known);
    return known;
  }

  return {
    async seal(text, context) {
      const key = keys().at(-1);
      if (!key) throw new Problem('internal', 'the vault has no key');
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const bytes = new TextEncoder().encode(text);
      const closed = await crypto.subtle.encrypt(parametersOf(nonce, key.id, context), await cryptoKey(key), bytes);
      return `sealed1.${key.id}.${base64url(new Uint8Array([...nonce, ...new Uint8Array(closed)]))}`;
    },
    async open(sealed, context) {
      const id = keyIdIn(sealed);
      const key = keys().find((each) => each.id === id);
      if (!key) {
        throw new Problem('internal', `${context} is sealed by the vault key ${id}, which is not here`, {
          suggestion: 'restore vault-keys.json from a backup: without it nobody can read what is sealed',
        });
      }
      try {
        const bytes = bytesOfBase64url(sealed.split('.')[2] ?? '');
        const parameters = parametersOf(bytes.slice(0, NONCE_BYTES), id, context);
        return new TextDecoder().decode(await crypto.subtle.decrypt(parameters, await cryptoKey(key), bytes.slice(NONCE_BYTES)));
      } catch {
        // WebCrypto gives no reason; there is none to pass on.
        throw new Problem('internal', `${context} cannot be opened: it was changed, or was sealed for another place`, {
          suggestion: 'restore it from a backup',
        });
      }
    },
    isCurrent: (sealed) => keyIdIn(sealed) === keys().at(-1)?.id,
  };
}

/** The context is no secret, and no part of what is kept: it is what the ciphertext is bound to. */
const parametersOf = (iv: Uint8Array<ArrayBuffer>, keyId: string, context: string) => ({
  ...AES,
  iv,
  additionalData: new TextEncoder().encode(`drover vault 1\n${keyId}\n${context}`),
});
