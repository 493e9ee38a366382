import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { capture } from '../../test/cli/capture.ts';
import { complete } from './complete.ts';
import { createProgram, run } from './program.ts';

async function drover(...argv: string[]) {
  const terminal = capture({ env: { DROVER_CONFIG: '/nonexistent/contexts.json' } });
  const code = await run(argv, terminal);
  return { code, ...terminal.written };
}

function* commandsOf(command: Command, path: readonly string[] = []): Generator<readonly string[]> {
  yield path;
  for (const child of command.commands) if (!child.name().startsWith('__')) yield* commandsOf(child, [...path, child.name()]);
}
const EVERY = [...commandsOf(createProgram(capture()))];

describe('help', () => {
  it.each(EVERY.map((path) => path.join(' ')))('drover %s has examples', async (path) => {
    const { code, out } = await drover(...path.split(' ').filter(Boolean), '--help');
    expect(code).toBe(0);
    expect(out).toMatch(/\nExamples:\n {2}\$ /);
  });
});

describe('secrets', () => {
  it('are never arguments: whoever needs one is asked, or reads it from standard input or a file', () => {
    const named = (command: Command): readonly string[] => [
      ...command.options
        .filter(({ hidden, required, optional, flags }) => !hidden && (required || optional) && !/<file>/.test(flags))
        .filter(({ long }) => /password|secret|token|passphrase|pin\b/.test(long ?? ''))
        .map(({ flags }) => `${command.name()} ${flags}`),
      ...command.registeredArguments
        .filter((argument) => /password|secret|passphrase/.test(argument.name()))
        .map((argument) => `${command.name()} <${argument.name()}>`),
      ...command.commands.flatMap(named),
    ];
    expect(named(createProgram(capture()))).toEqual([]);
  });
});

describe('wrong use', () => {
  it.each([
    [['gest', 'list'], "unknown command 'gest'"],
    [['guest', 'create'], "missing required argument 'name'"],
    [['guest', 'create', 'web', '--bogus'], "unknown option '--bogus'"],
    [['guest', 'create', 'web', '--container', '--image', 'x', '--memory', '1G'], '--memory'],
    [['guest', 'list', '--limit', 'all'], '--limit'],
    [['user', 'create', 'anna', '--role', 'the king'], '--role'],
    [['api', 'FETCH', '/guests'], 'FETCH'],
    [['api', 'POST', '/guests', '--data', '{'], '--data'],
  ])('%j ends with 2 and names the mistake', async (argv, mistake) => {
    const { code, out, err } = await drover(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(mistake);
  });

  it('without a control plane says how to come by one', async () => {
    expect(await drover('guest', 'list')).toMatchObject({ code: 5, out: '', err: expect.stringContaining('npm start') });
  });

  it('one that is out of reach has an exit code of its own', async () => {
    const terminal = capture({ env: { DROVER_URL: 'http://127.0.0.1:9', DROVER_TOKEN: 't' } });
    expect(await run(['guest', 'list'], terminal)).toBe(6);
    expect(terminal.written.err).toContain('cannot be reached');
  });
});

describe('completion', () => {
  const at = (...words: string[]) => {
    const terminal = capture({ env: { DROVER_CONFIG: '/nonexistent/contexts.json' } });
    return complete(createProgram(terminal), words, terminal);
  };

  it.each([
    [['gu'], ['guest']],
    [
      ['guest', 'sh'],
      ['show', 'shutdown'],
    ],
    [
      ['guest', 'create', 'web', '--st'],
      ['--start', '--start-at-boot'],
    ],
    [
      ['guest', 'create', 'web', '--firmware', ''],
      ['bios', 'uefi'],
    ],
    [
      ['user', 'create', 'anna', '--role', 'o'],
      ['operator', 'owner'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh'],
    ],
    // One word to zsh, three to bash.
    [['guest', 'create', 'web', '--firmware=u'], ['--firmware=uefi']],
    [['guest', 'create', 'web', '--firmware', '=', 'u'], ['uefi']],
    [
      ['guest', 'create', 'web', '--firmware', '='],
      ['bios', 'uefi'],
    ],
    [['guest', 'create', 'web', '--host=fra', '--firmware', 'b'], ['bios']],
    [['guest', 'create', 'web', '--vm=u'], []],
    [['guest', 'exec', 'web', '--', 'ca'], []],
    [['guest', 'list', '--bogus'], []],
  ])('%j', async (words, expected) => expect(await at(...words)).toEqual(expected));

  it('a control plane out of reach costs the names, not the shell', async () => {
    const terminal = capture({ env: { DROVER_URL: 'http://127.0.0.1:9', DROVER_TOKEN: 't' } });
    expect(await complete(createProgram(terminal), ['guest', 'show', ''], terminal)).toEqual([]);
  });
});
