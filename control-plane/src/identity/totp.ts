import { Secret, TOTP } from 'otpauth';

/** Codes that change each half minute (RFC 6238), as every authenticator app makes them. */

const STEP_S = 30;
/** A phone may be a step ahead or behind. */
const WINDOW = 1;
/** So far off a clock is recognised as such: a quarter of an hour. */
const FAR_WINDOW = 30;
/** Then codes are good no more until a recovery code, or an owner, says otherwise. */
export const WRONG_CODES_MAX = 8;
const SEED_BYTES = 20;

export type CodeVerdict =
  | { readonly verdict: 'good'; readonly step: number }
  | { readonly verdict: 'used' }
  /** It would have been good `aheadS` seconds from now; less than 0: ago. */
  | { readonly verdict: 'clock'; readonly aheadS: number }
  | { readonly verdict: 'wrong' };

/** In base32, as apps take it. */
export const newSeed = (): string => new Secret({ buffer: crypto.getRandomValues(new Uint8Array(SEED_BYTES)).buffer }).base32;

/** What a QR code holds. */
export const seedUri = (seed: string, { account, issuer }: { readonly account: string; readonly issuer: string }): string =>
  totpOf(seed, issuer, account).toString();

export const codeAt = (seed: string, atMs: number): string => totpOf(seed).generate({ timestamp: atMs });

/** `lastStep`: the newest whose code was used. Any code up to it is used, also one that was overtaken. */
export function judgeCode(
  seed: string,
  typed: string,
  { nowMs, lastStep }: { readonly nowMs: number; readonly lastStep: number },
): CodeVerdict {
  const token = typed.replaceAll(/\s/g, '');
  const totp = totpOf(seed);
  const nowStep = Math.floor(nowMs / (STEP_S * 1_000));
  const near = totp.validate({ token, timestamp: nowMs, window: WINDOW });
  if (near !== null) return nowStep + near > lastStep ? { verdict: 'good', step: nowStep + near } : { verdict: 'used' };
  const far = totp.validate({ token, timestamp: nowMs, window: FAR_WINDOW });
  return far === null ? { verdict: 'wrong' } : { verdict: 'clock', aheadS: far * STEP_S };
}

function totpOf(seed: string, issuer = 'Drover', label = 'drover'): TOTP {
  return new TOTP({ issuer, label, algorithm: 'SHA1', digits: 6, period: STEP_S, secret: Secret.fromBase32(seed) });
}
