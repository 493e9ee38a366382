import { expect, it } from 'vitest';
import { HELP, parseOrder, sizeOf } from './options.ts';
import { labFolder } from './state.ts';

it("what follows a host's number belongs to its command, with all its options", () => {
  expect(parseOrder(['exec', '1', 'ls', '--help', '-l'])).toMatchObject({ verb: 'exec', words: ['1', 'ls', '--help', '-l'] });
  expect(parseOrder(['exec', '--lab', 'mine', '2', '--', 'sh', '-c', 'exit 3'])).toMatchObject({
    lab: 'mine',
    words: ['2', 'sh', '-c', 'exit 3'],
  });
});

it('what cannot be meant is refused, in words', () => {
  expect(() => parseOrder(['up', '--release', 'sid'])).toThrow('--release: one of trixie, bookworm, not "sid"');
  expect(() => parseOrder(['delay', '1', '--ms', 'soon'])).toThrow('--ms: a whole number, not "soon"');
  expect(() => parseOrder(['up', '--hosts', '3'])).toThrow(/Unknown option '--hosts'/);
  expect(() => sizeOf('10')).toThrow('a size is a number with M or G, not "10"');
  expect(() => labFolder('../etc')).toThrow('"../etc" is no name for a lab');
});

it('help is asked for with any command, or with none', () => {
  expect(parseOrder([])).toBeNull();
  expect(parseOrder(['cut', '--help'])).toBeNull();
  expect(HELP).toContain('Examples\n');
});

it('sizes are binary', () => {
  expect([sizeOf('512M'), sizeOf('10G')]).toEqual([512 * 2 ** 20, 10 * 2 ** 30]);
});
