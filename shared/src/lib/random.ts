/** The only door to chance, so that the simulator can own it. */
export interface Random {
  /** A fraction, 0 ≤ x < 1. */
  fraction(): number;
  /** `length` characters of [a-z0-9], unguessable in production. */
  text(length: number): string;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Asked for many at a time, since asking takes longer than what is got; each is used once, and is nowhere afterwards. */
const bytes = new Uint8Array(4_096);
let used = bytes.length;

function randomByte(): number {
  if (used === bytes.length) {
    crypto.getRandomValues(bytes);
    used = 0;
  }
  const byte = bytes[used] ?? 0;
  bytes[used++] = 0;
  return byte;
}

export const realRandom: Random = {
  fraction: () => Math.random(),
  text(length) {
    let text = '';
    while (text.length < length) {
      const byte = randomByte();
      // 252 is the largest multiple of 36 in a byte: higher values would favour the first letters.
      if (byte < 252) text += ALPHABET[byte % 36];
    }
    return text;
  },
};
