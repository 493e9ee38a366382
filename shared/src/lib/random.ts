/** The only door to chance, so that the simulator can own it. */
export interface Random {
  /** A fraction, 0 ≤ x < 1. */
  fraction(): number;
  /** `length` characters of [a-z0-9], unguessable in production. */
  text(length: number): string;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

export const realRandom: Random = {
  fraction: () => Math.random(),
  text(length) {
    let text = '';
    while (text.length < length) {
      for (const byte of crypto.getRandomValues(new Uint8Array(length * 2))) {
        // 252 is the largest multiple of 36 in a byte: higher values would favour the first letters.
        if (byte < 252 && text.length < length) text += ALPHABET[byte % 36];
      }
    }
    return text;
  },
};
