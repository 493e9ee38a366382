import type { Random } from '@drover/shared/lib/random';

/** Chance that a seed decides: the same seed gives the same world, on every machine. */
export interface Chance extends Random {
  /** True with this probability. */
  happens(probability: number): boolean;
  /** A whole number, `from` ≤ n ≤ `to`. */
  between(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
  /** An independent source: what one part of the world draws does not disturb another. */
  fork(name: string): Chance;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

export function createChance(seed: string): Chance {
  const next = generator(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    fraction: next,
    text: (length) => Array.from({ length }, () => ALPHABET[below(ALPHABET.length)]).join(''),
    happens: (probability) => next() < probability,
    between: (from, to) => from + below(to - from + 1),
    pick<T>(list: readonly T[]): T {
      const picked = list[below(list.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
    fork: (name) => createChance(`${seed}/${name}`),
  };
}

/** sfc32, seeded by a string hash (cyrb128): small, fast, and of good quality for this. */
function generator(seed: string): () => number {
  let [a, b, c, d] = [1_779_033_703, 3_144_134_277, 1_013_904_242, 2_773_480_762];
  for (let index = 0; index < seed.length; index += 1) {
    const code = seed.charCodeAt(index);
    a = b ^ Math.imul(a ^ code, 597_399_067);
    b = c ^ Math.imul(b ^ code, 2_869_860_233);
    c = d ^ Math.imul(c ^ code, 951_274_213);
    d = a ^ Math.imul(d ^ code, 2_716_044_179);
  }
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 12; round += 1) next();
  return next;
}
