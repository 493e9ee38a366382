import { type Command, Option } from 'commander';
import { CliError } from './error.ts';
import type { Terminal } from './terminal.ts';

/** No secret comes as an argument: those are seen by everybody on this machine, and stay in the history of the shell. */
export interface SecretWays {
  /** Has --…-stdin been given? */
  readonly fromInput: boolean | undefined;
  /** As in "Token". */
  readonly name: string;
  readonly variable?: string;
  /** As in "--token-stdin". */
  readonly flag: string;
}

/** By its flag from standard input (one line), from its variable, or typed in unseen; null: nobody is there to type it. */
export async function readSecret(terminal: Terminal, { fromInput, name, variable }: SecretWays): Promise<string | null> {
  if (fromInput) return terminal.inputLine();
  const given = variable === undefined ? undefined : terminal.env[variable];
  if (given) return given;
  return terminal.isInTty ? terminal.askUnseen(`${name}: `) : null;
}

/** The same, where there has to be one. */
export async function neededSecret(terminal: Terminal, ways: SecretWays): Promise<string> {
  const secret = await readSecret(terminal, ways);
  if (secret) return secret;
  throw new CliError('usage', `the ${ways.name.toLowerCase()} is missing`, {
    suggestion: `send it in with ${ways.flag}${ways.variable === undefined ? '' : `, or set ${ways.variable}`}`,
  });
}

/** Says what to do instead to whoever gives a secret as an argument. */
export function refuseAsArgument(command: Command, option: string, instead: string): void {
  command.addOption(
    new Option(`${option} <secret>`).hideHelp().argParser(() => {
      throw new CliError('usage', `${option} would show a secret to everybody on this machine`, { suggestion: `use ${instead}` });
    }),
  );
}
