import type { SecondFactor, SignInPolicy } from '@drover/shared/api/identity';
import { WRONG_CODES_MAX } from './totp.ts';

/** What counts of all that a user can prove themselves with. */
export interface Factors {
  readonly totp: { readonly confirmedAtMs: number | null; readonly wrong: number } | null;
  readonly recoveryCodesLeft: number;
  readonly passkeys: readonly { readonly site: string }[];
}

export type NextStep =
  | { readonly step: 'session'; readonly setupOnly: boolean }
  | { readonly step: 'second-factor'; readonly needs: readonly SecondFactor[] }
  /** There is a second factor, and none that could be used here and now. */
  | { readonly step: 'stuck' };

/** After a first factor was right. `proved`: a passkey that asked for a finger or a PIN is two factors in one. */
export function nextStep(input: {
  readonly proved: 'one' | 'two';
  readonly factors: Factors;
  readonly isOwner: boolean;
  readonly policy: Pick<SignInPolicy, 'secondFactor'>;
  readonly site: string;
}): NextStep {
  if (input.proved === 'two') return { step: 'session', setupOnly: false };
  if (hasSecondFactor(input.factors)) {
    const needs = usable(input.factors, input.site);
    return needs.length === 0 ? { step: 'stuck' } : { step: 'second-factor', needs };
  }
  return { step: 'session', setupOnly: isSecondFactorRequired(input.isOwner, input.policy) };
}

export const hasSecondFactor = ({ totp, passkeys }: Factors): boolean => isConfirmed(totp) || passkeys.length > 0;

export function isSecondFactorRequired(isOwner: boolean, { secondFactor }: Pick<SignInPolicy, 'secondFactor'>): boolean {
  return secondFactor === 'everybody' || (secondFactor === 'owners' && isOwner);
}

export const isTotpLocked = (totp: Factors['totp']): boolean => (totp?.wrong ?? 0) >= WRONG_CODES_MAX;
const isConfirmed = (totp: Factors['totp']): boolean => totp !== null && totp.confirmedAtMs !== null;

function usable({ totp, passkeys, recoveryCodesLeft }: Factors, site: string): readonly SecondFactor[] {
  return [
    ...(isConfirmed(totp) && !isTotpLocked(totp) ? (['totp'] as const) : []),
    ...(passkeys.some((passkey) => passkey.site === site) ? (['passkey'] as const) : []),
    ...(recoveryCodesLeft > 0 ? (['recovery'] as const) : []),
  ];
}
