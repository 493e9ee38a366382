import { realRandom } from '@drover/shared/lib/random';
import { expect, it } from 'vitest';
import { hashOfRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';

it('ten codes, all different, without letters that look alike', () => {
  const codes = newRecoveryCodes(realRandom);
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) expect(code).toMatch(/^[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){2}$/);
});

it('a code is known however it is typed', () => {
  expect(hashOfRecoveryCode(' K3MQ 9xwt4bzn')).toBe(hashOfRecoveryCode('k3mq-9xwt-4bzn'));
  expect(hashOfRecoveryCode('k3mq-9xwt-4bzm')).not.toBe(hashOfRecoveryCode('k3mq-9xwt-4bzn'));
});
