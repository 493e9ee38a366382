import { existsSync, readFileSync } from 'node:fs';
import type { Vault } from '../identity/ports.ts';
import { writePrivate } from './signing-key.ts';

const NONCE_BYTES = 12;
const KEY_BYTES = 32;

/** Seals with AES-256-GCM under a key in a file of its own, so that a copy of the database alone tells nothing. */
export async function openVault(path: string): Promise<Vault> {
  if (!existsSync(path)) writePrivate(path, `${Buffer.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES))).toString('base64')}\n`);
  const bytes = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  const settings = (iv: Uint8Array<ArrayBuffer>, context: string) => ({
    name: 'AES-GCM',
    iv,
    additionalData: new TextEncoder().encode(context),
  });
  return {
    async seal(text, context) {
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const sealed = await crypto.subtle.encrypt(settings(nonce, context), key, new TextEncoder().encode(text));
      return Buffer.concat([nonce, new Uint8Array(sealed)]).toString('base64');
    },
    async open(sealed, context) {
      const all = new Uint8Array(Buffer.from(sealed, 'base64'));
      const opened = await crypto.subtle.decrypt(settings(all.slice(0, NONCE_BYTES), context), key, all.slice(NONCE_BYTES));
      return new TextDecoder().decode(opened);
    },
  };
}
