import { Problem } from '@drover/shared/lib/problem';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

/** How dear one guess is: m in KiB, t passes, p lanes. */
export interface HashCost {
  readonly m: number;
  readonly t: number;
  readonly p: number;
}

/** OWASP's first choice for argon2id where memory is shared with other work. */
export const OWASP_COST: HashCost = { m: 19_456, t: 2, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const AT_ONCE = 2;
const WAITING_MAX = 16;

export interface PasswordHashes {
  /** As a PHC string, which says what it was made with. */
  hash(password: string): Promise<string>;
  /** `hash` null: there is none, and finding that out takes as long. */
  verify(password: string, hash: string | null): Promise<boolean>;
  /** It was made with other parameters than today's. */
  isOutdated(hash: string): boolean;
}

/** Few at once: each takes memory and the processor, and strangers may ask for them. */
export function createPasswordHashes(cost: HashCost = OWASP_COST): PasswordHashes {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function compute(password: string, salt: Uint8Array, { m, t, p }: HashCost, dkLen: number): Promise<Uint8Array> {
    if (waiting.length >= WAITING_MAX) {
      throw new Problem('too-many-requests', 'too many people sign in at this moment', { retryable: true, retryAfterS: 5 });
    }
    if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      // The same letters in another encoding, as another keyboard sends them, are the same password.
      return await argon2idAsync(utf8ToBytes(password.normalize('NFC')), salt, { m, t, p, dkLen });
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  }

  const nobody = { ...cost, salt: new Uint8Array(SALT_BYTES), hash: new Uint8Array(HASH_BYTES) };
  return {
    async hash(password) {
      const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
      return phcOf({ ...cost, salt, hash: await compute(password, salt, cost, HASH_BYTES) });
    },
    async verify(password, hash) {
      const kept = (hash === null ? null : parsePhc(hash)) ?? nobody;
      const computed = await compute(password, kept.salt, kept, kept.hash.length);
      return isSame(computed, kept.hash) && kept !== nobody;
    },
    isOutdated(hash) {
      const kept = parsePhc(hash);
      return kept === null || kept.m !== cost.m || kept.t !== cost.t || kept.p !== cost.p;
    },
  };
}

interface Phc extends HashCost {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

const phcOf = ({ m, t, p, salt, hash }: Phc): string => `$argon2id$v=19$m=${m},t=${t},p=${p}$${base64(salt)}$${base64(hash)}`;

function parsePhc(text: string): Phc | null {
  const match = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{16,172})$/.exec(text);
  if (!match) return null;
  const [, m, t, p, salt = '', hash = ''] = match;
  return { m: Number(m), t: Number(t), p: Number(p), salt: bytesOf(salt), hash: bytesOf(hash) };
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Takes as long wherever they differ. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index += 1) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}
