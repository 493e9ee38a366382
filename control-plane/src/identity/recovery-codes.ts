import type { Random } from '@drover/shared/lib/random';
import { hashOfSecret } from '../db/secret.ts';

export const RECOVERY_CODES = 10;
/** Without letters and digits that look alike on paper. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const LETTERS = 12;

/** As "k3mq-9xwt-4bzn": 59 bits each, too many to try out one by one, so that a plain hash of it keeps it. */
export function newRecoveryCodes(random: Random): readonly string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    let letters = '';
    while (letters.length < LETTERS) letters += [...random.text(LETTERS)].filter((letter) => ALPHABET.includes(letter)).join('');
    return `${letters.slice(0, 4)}-${letters.slice(4, 8)}-${letters.slice(8, 12)}`;
  });
}

/** However it was typed: gaps, hyphens and capitals do not matter. */
export const hashOfRecoveryCode = (typed: string): string => hashOfSecret(`recovery:${typed.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}`);
