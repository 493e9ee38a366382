import { expect, it } from 'vitest';
import { type Factors, nextStep } from './next-step.ts';

const NONE: Factors = { totp: null, recoveryCodesLeft: 0, passkeys: [] };
const codes = (wrong = 0) => ({ confirmedAtMs: 1, wrong });
const after = (factors: Partial<Factors>, more: { proved?: 'two'; isOwner?: boolean; secondFactor?: 'owners' | 'everybody' } = {}) =>
  nextStep({
    proved: more.proved ?? 'one',
    factors: { ...NONE, ...factors },
    isOwner: more.isOwner ?? false,
    policy: { secondFactor: more.secondFactor ?? 'nobody' },
    site: 'drover.test',
  });

it('who has no second factor is in, unless the fleet asks for one: then only to set it up', () => {
  expect(after({})).toEqual({ step: 'session', setupOnly: false });
  expect(after({}, { secondFactor: 'owners' })).toEqual({ step: 'session', setupOnly: false });
  expect(after({}, { secondFactor: 'owners', isOwner: true })).toEqual({ step: 'session', setupOnly: true });
  expect(after({}, { secondFactor: 'everybody' })).toEqual({ step: 'session', setupOnly: true });
});

it('who has one is asked for it, also where the fleet asks nobody', () => {
  expect(after({ totp: codes(), recoveryCodesLeft: 3 })).toEqual({ step: 'second-factor', needs: ['totp', 'recovery'] });
  expect(after({ passkeys: [{ site: 'drover.test' }] })).toEqual({ step: 'second-factor', needs: ['passkey'] });
});

it('a passkey that knows its user is enough', () => {
  expect(after({ totp: codes() }, { proved: 'two', secondFactor: 'everybody' })).toEqual({ step: 'session', setupOnly: false });
});

it('codes that were begun and never confirmed lock nobody out', () => {
  expect(after({ totp: { confirmedAtMs: null, wrong: 0 } })).toEqual({ step: 'session', setupOnly: false });
});

it('locked codes and passkeys of another site are not asked for; nor do they open the door', () => {
  expect(after({ totp: codes(8), recoveryCodesLeft: 1 })).toEqual({ step: 'second-factor', needs: ['recovery'] });
  expect(after({ totp: codes(7) })).toEqual({ step: 'second-factor', needs: ['totp'] });
  expect(after({ totp: codes(8) })).toEqual({ step: 'stuck' });
  expect(after({ passkeys: [{ site: 'elsewhere.test' }] })).toEqual({ step: 'stuck' });
});
