import { describe, expect, it } from 'vitest';
import { capture } from '../../test/cli/capture.ts';
import { clean, cut, facts, table, width } from './print.ts';

const ROWS = [
  { name: 'web', state: 'running', memory: '256 MiB' },
  { name: 'a-name-that-is-rather-long', state: 'stopped', memory: '1 GiB' },
];
const COLUMNS = [
  { title: 'NAME', value: (row: (typeof ROWS)[number]) => row.name, shrinks: true },
  { title: 'STATE', value: (row: (typeof ROWS)[number]) => row.state, colour: () => 'green' as const },
  { title: 'MEMORY', value: (row: (typeof ROWS)[number]) => row.memory, align: 'right' as const },
];

describe('a table', () => {
  it('is as wide as its contents in a pipe', () => {
    expect(table(capture({ columns: 20 }), ROWS, COLUMNS)).toBe(
      [
        'NAME                        STATE     MEMORY',
        'web                         running  256 MiB',
        'a-name-that-is-rather-long  stopped    1 GiB',
        '',
      ].join('\n'),
    );
  });

  it('is no wider than a terminal, by shortening what may be', () => {
    const text = table(capture({ isOutTty: true, columns: 36 }), ROWS, COLUMNS);
    expect(Math.max(...text.split('\n').map(width))).toBe(36);
    expect(text).toContain('a-name-that-is-ra…');
  });

  it('has colours on a terminal only', () => {
    expect(table(capture(), ROWS, COLUMNS)).not.toContain('\u001b');
    expect(table(capture({ isOutTty: true, hasColour: true, columns: 80 }), ROWS, COLUMNS)).toContain('\u001b[32mrunning\u001b[0m');
  });
});

it('what a guest wrote moves no cursor and ends no line', () => {
  expect(clean('evil\u001b[2J\nname\r\u0007')).toBe('evil [2J name  ');
  expect(facts(capture(), [['name', 'a\u001b[1mb']])).toBe('name  a [1mb\n');
});

it('facts leave out what is not known and indent further lines', () => {
  expect(
    facts(capture(), [
      ['name', 'web'],
      ['problem', null],
      ['disks', 'root\ndata'],
    ]),
  ).toBe('name   web\ndisks  root\n       data\n');
});

it('wide letters count as two cells', () => {
  expect(width('日本')).toBe(4);
  expect(width('e\u0301')).toBe(1);
  expect(cut('日本語', 5)).toBe('日本…');
});
