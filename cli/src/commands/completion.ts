import type { Command } from 'commander';
import { complete, completionScript } from '../complete.ts';
import { CliError } from '../error.ts';
import { type OpenSession, withExamples } from '../session.ts';

/** Completion for shells. */
export function addCompletionCommands(program: Command, open: OpenSession): void {
  const completion = program
    .command('completion')
    .argument('<shell>', 'bash or zsh')
    .description('print what a shell needs to complete commands and names');
  withExamples(completion, [
    'eval "$(drover completion bash)"    # in ~/.bashrc',
    'eval "$(drover completion zsh)"     # in ~/.zshrc, after compinit',
  ]).action((shell: string) => {
    if (shell !== 'bash' && shell !== 'zsh') throw new CliError('usage', `"${shell}" is neither bash nor zsh`);
    open().terminal.out(completionScript(shell));
  });
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { terminal } = open();
      const candidates = await complete(program, words, terminal);
      if (candidates.length > 0) terminal.out(`${candidates.join('\n')}\n`);
    });
}
