import { expect, it } from 'vitest';
import { settingsOf } from '../node/settings.ts';
import { runCommand } from './index.ts';

const SETTINGS = settingsOf({}, { isRoot: false, home: '/home/somebody' });
const said: string[] = [];
const commands = [
  {
    words: 'vault rotate',
    summary: 'changes the key',
    run: async (_settings: unknown, rest: readonly string[], say: (line: string) => void) => say(`rotated ${rest.join(' ')}`),
  },
];
const type = (...typed: string[]) => {
  said.length = 0;
  return runCommand(typed, SETTINGS, (line) => said.push(line), commands);
};

it('a command gets what was typed behind its words', async () => {
  await type('vault', 'rotate', '--quickly');
  expect(said).toEqual(['rotated --quickly']);
});

it('help names every command', async () => {
  await type('--help');
  expect(said.join('\n')).toMatch(/vault rotate +changes the key/);
});

it.each([['vault'], ['rotate'], ['vault', 'rotat'], ['']])('what is no command is refused, and starts nothing: %s %s', async (...typed) => {
  await expect(type(...typed.filter((word) => word !== undefined))).rejects.toThrow(/has no command/);
});

it.each([
  ['vault', 'rotate'],
  ['owner', 'recover'],
])('%s %s where there is no control plane says so, and makes none', async (...typed) => {
  const nowhere = settingsOf({ DROVER_DATA: '/nonexistent/drover' }, { isRoot: false, home: '/home/somebody' });
  await expect(runCommand(typed, nowhere, () => {})).rejects.toMatchObject({
    code: 'not-found',
    message: 'there is no control plane in /nonexistent/drover',
  });
});
