import { expect, it } from 'vitest';
import { duration, table } from './print.ts';

it('a table is as wide as what is in it, and nothing in it moves the cursor', () => {
  expect(
    table(
      ['ID', 'NAME'],
      [
        ['100', 'web'],
        ['7', 'a\u001b[2J\nb'],
      ],
    ),
  ).toBe('ID   NAME\n100  web\n7    a [2J b');
});

it.each([
  [0, '0 s'],
  [99_000, '99 s'],
  [420_000, '7 min'],
  [7_200_000, '2 h'],
  [864_000_000, '10 d'],
])('%s ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
