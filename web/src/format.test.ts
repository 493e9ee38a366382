import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ago, bytes, clockTime, duration, exactBytes, fullTime, GiB, MiB, parseBytes, percent, shellWord } from './format.ts';

it('sizes are written in binary units, and what is not known is never a zero', () => {
  expect([0, 512, 256 * MiB, 1.5 * GiB, 2000 * GiB, null].map(bytes)).toEqual(['0 B', '512 B', '256 MiB', '1.5 GiB', '2 TiB', 'unknown']);
});

it.each([
  ['512', 512 * MiB],
  ['512MiB', 512 * MiB],
  [' 2 GB ', 2 * GiB],
  ['2g', 2 * GiB],
  ['1,5 GiB', 1.5 * GiB],
  ['1 TiB', 1024 * GiB],
  ['64k', 64 * 1024],
])('%j is an amount', (text, value) => {
  expect(parseBytes(text)).toBe(value);
});

it.each(['', 'much', '-1', '1 2', '5 PB', '1e3', 'Infinity', '0x10', '12 GiB extra'])('%j is no amount', (text) => {
  expect(parseBytes(text)).toBeNull();
});

it('an exact amount is read back as the same number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 22 }), (mebibytes) => {
      expect(parseBytes(exactBytes(mebibytes * MiB))).toBe(mebibytes * MiB);
      expect(parseBytes(exactBytes(mebibytes * MiB, ' '))).toBe(mebibytes * MiB);
    }),
  );
});

it('ages have one unit, and a clock that runs ahead does not make them negative', () => {
  expect([59_999, 60_000, 3_599_000, 3_600_000, 86_400_000, -5].map(duration)).toEqual(['59 s', '1 min', '59 min', '1 h', '1 d', '0 s']);
  expect([ago(1_000, 2_000), ago(0, 90_000), ago(5_000, 0)]).toEqual(['just now', '1 min ago', 'just now']);
});

it('the time of another day names the day', () => {
  const now = new Date(2026, 10, 22, 14, 2).getTime();
  expect(clockTime(new Date(2026, 10, 22, 9, 5).getTime(), now)).toBe('09:05');
  expect(clockTime(new Date(2026, 10, 21, 9, 5).getTime(), now)).toBe('21 Nov, 09:05');
  expect(fullTime(new Date(2026, 10, 21, 9, 5, 7).getTime())).toBe('21 Nov 2026, 09:05:07');
});

it('a percentage reaches 100 only when all is done', () => {
  expect([0, 0.999, 1].map(percent)).toEqual(['0 %', '99 %', '100 %']);
});

it('a word for the shell is quoted whenever the shell would read more into it', () => {
  expect(['web', '10.0.0.1/24', '', 'a b', "it's", '$(reboot)', '-x; y', 'a\nb'].map(shellWord)).toEqual([
    'web',
    '10.0.0.1/24',
    "''",
    "'a b'",
    "'it'\\''s'",
    "'$(reboot)'",
    "'-x; y'",
    "'a\nb'",
  ]);
});
