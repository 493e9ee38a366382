import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, parseSize, parseWhole } from './units.ts';

describe('sizes', () => {
  it.each([
    ['256MiB', 268_435_456],
    ['1.5GiB', 1_610_612_736],
    ['64KiB', 65_536],
    ['2TiB', 2_199_023_255_552],
    ['512B', 512],
  ])('%s is %d bytes', (text, bytes) => expect(parseSize(text, '--memory')).toBe(bytes));

  it.each(['256', '256M', '256MB', '256 MiB', '-1MiB', '1e3MiB', '', 'MiB', '1.5.2GiB', '0x10MiB', '٣MiB', '256mib', '1MiB\n'])(
    'refuses %j in the name of its option',
    (text) => expect(() => parseSize(text, '--memory')).toThrow(/^--memory: /),
  );

  it('suggests the binary unit for what people type out of habit', () => {
    expect(() => parseSize('1.5g', '--disk')).toThrow(expect.objectContaining({ suggestion: expect.stringContaining('1.5GiB') }));
  });

  it('refuses what is no whole number of bytes', () => {
    expect(() => parseSize('1.00001KiB', '--disk')).toThrow('--disk: "1.00001KiB" is not a whole number of bytes');
  });

  it('a whole number of MiB is the same after being shown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1023 }), (count) => {
        expect(parseSize(formatBytes(count * 2 ** 20).replace(' ', ''), '--memory')).toBe(count * 2 ** 20);
      }),
    );
  });
});

it.each(['0', '513', '1.5', '', '-3', '1e2', 'two'])('a number out of its range or shape is refused: %j', (text) => {
  expect(() => parseWhole(text, '--cores', { min: 1, max: 512 })).toThrow('--cores');
});

it.each([
  [0, '0 s'],
  [99_400, '99 s'],
  [100_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
