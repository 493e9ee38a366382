import { Problem } from '@drover/shared/lib/problem';
import type { Settings } from '../node/settings.ts';
import type { Command } from './command.ts';
import { ownerRecover } from './owner-recover.ts';
import { vaultRotate } from './vault-rotate.ts';

/** In the order in which they are listed. */
const COMMANDS: readonly Command[] = [ownerRecover, vaultRotate];

/** Carries out what was typed behind the program's name. Throws Problem. */
export async function runCommand(
  typed: readonly string[],
  settings: Settings,
  say: (line: string) => void,
  commands: readonly Command[] = COMMANDS,
): Promise<void> {
  if (['help', '--help', '-h'].includes(typed[0] ?? '')) return say(usage(commands));
  const command = commands.find(({ words }) => words.split(' ').every((word, index) => typed[index] === word));
  if (command) return command.run(settings, typed.slice(command.words.split(' ').length), say);
  throw new Problem('bad-request', `drover-control-plane has no command "${typed.slice(0, 2).join(' ')}"`, {
    suggestion: 'drover-control-plane --help lists them',
  });
}

const usage = (commands: readonly Command[]): string =>
  [
    'drover-control-plane            runs the control plane',
    ...commands.map(({ words, summary }) => `${`drover-control-plane ${words}`.padEnd(30)}  ${summary}`),
    '',
    'Where its data is, it learns as when it runs: from DROVER_DATA, or the place that is usual for this user.',
  ].join('\n');
