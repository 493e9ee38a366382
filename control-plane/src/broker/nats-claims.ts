import { base64url } from '@drover/shared/lib/base64url';
import { digest } from '@drover/shared/lib/digest';
import type { BrokerKeyPair } from './broker-keys.ts';

/** NATS' own forms of keys and tokens: github.com/nats-io/nkeys and nats-io/jwt, version 2. */

const KIND = { operator: 14 << 3, account: 0, user: 20 << 3 } as const;
const SEED = 18 << 3;
export type NkeyKind = keyof typeof KIND;

/** A public key as NATS writes it: O…, A… or U…. */
export const publicNkey = (kind: NkeyKind, publicBytes: Uint8Array): string => encoded(Uint8Array.from([KIND[kind], ...publicBytes]));

export function seedNkey(kind: NkeyKind, seed: Uint8Array): string {
  const prefix = KIND[kind];
  return encoded(Uint8Array.from([SEED | (prefix >> 5), (prefix & 31) << 3, ...seed]));
}

export interface Claims {
  readonly name: string;
  readonly sub: string;
  readonly exp?: number;
  readonly nats: Readonly<Record<string, unknown>>;
}

/** Signed by an operator or an account. */
export async function natsToken(
  issuer: { readonly kind: NkeyKind; readonly pair: BrokerKeyPair },
  claims: Claims,
  nowMs: number,
): Promise<string> {
  const body = { iat: Math.floor(nowMs / 1_000), iss: publicNkey(issuer.kind, issuer.pair.publicBytes), ...claims };
  const said = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { ...body, jti: digest(body) },
  ]
    .map((part) => base64url(text(JSON.stringify(part))))
    .join('.');
  const signature = await crypto.subtle.sign('Ed25519', issuer.pair.privateKey, text(said));
  return `${said}.${base64url(new Uint8Array(signature))}`;
}

const text = (words: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(words);

function encoded(bytes: Uint8Array): string {
  const check = crc16(bytes);
  return base32(Uint8Array.from([...bytes, check & 0xff, check >> 8]));
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(bytes: Uint8Array): string {
  let letters = '';
  let value = 0;
  let bits = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) letters += LETTERS[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? letters : letters + LETTERS[(value << (5 - bits)) & 31];
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let check = 0;
  for (const byte of bytes) {
    check ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) check = ((check & 0x8000) === 0 ? check << 1 : (check << 1) ^ 0x1021) & 0xffff;
  }
  return check;
}
