import { describe, expect, it } from 'vitest';
import { codeAt, judgeCode, newSeed, seedUri } from './totp.ts';

const NOW_MS = 1_795_000_015_000;
const STEP = Math.floor(NOW_MS / 30_000);
const seed = newSeed();
const judge = (code: string, lastStep = 0) => judgeCode(seed, code, { nowMs: NOW_MS, lastStep });

describe('a code', () => {
  it('is the one of RFC 6238', () => {
    // Its appendix B, for the seed 12345678901234567890 and six digits.
    const seedOfRfc = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    expect([59, 1_111_111_109, 1_234_567_890, 20_000_000_000].map((s) => codeAt(seedOfRfc, s * 1_000))).toEqual([
      '287082',
      '081804',
      '005924',
      '353130',
    ]);
  });

  it.each([-30, 0, 30])('of a phone that is %i s ahead is good', (aheadS) => {
    expect(judge(codeAt(seed, NOW_MS + aheadS * 1_000))).toEqual({ verdict: 'good', step: STEP + aheadS / 30 });
  });

  it('may be typed with the gap that apps show', () => {
    const code = codeAt(seed, NOW_MS);
    expect(judge(` ${code.slice(0, 3)} ${code.slice(3)}`).verdict).toBe('good');
  });

  it('is good once, and none that is older is good after it', () => {
    expect(judge(codeAt(seed, NOW_MS), STEP).verdict).toBe('used');
    expect(judge(codeAt(seed, NOW_MS - 30_000), STEP).verdict).toBe('used');
    expect(judge(codeAt(seed, NOW_MS + 30_000), STEP).verdict).toBe('good');
  });

  it.each([600, -600])('of a clock that is %i s off says so, and is not good', (aheadS) => {
    expect(judge(codeAt(seed, NOW_MS + aheadS * 1_000))).toEqual({ verdict: 'clock', aheadS });
  });

  it('of another seed, another day or no code at all is wrong', () => {
    expect(judge(codeAt(newSeed(), NOW_MS)).verdict).toBe('wrong');
    expect(judge(codeAt(seed, NOW_MS + 86_400_000)).verdict).toBe('wrong');
    for (const typed of ['', 'abcdef', '12345', '1234567']) expect(judge(typed).verdict).toBe('wrong');
  });
});

it('the QR code names the user and the fleet', () => {
  const uri = new URL(seedUri(seed, { account: 'anna', issuer: 'drover.example.org' }));
  expect([uri.protocol, uri.host, decodeURIComponent(uri.pathname)]).toEqual(['otpauth:', 'totp', '/drover.example.org:anna']);
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({ secret: seed, digits: '6', period: '30', algorithm: 'SHA1' });
  expect(seed).toMatch(/^[A-Z2-7]{32}$/);
});
