import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { addAccessCommands } from './commands/access.ts';
import { addAccessBundleCommands } from './commands/access-bundle.ts';
import { addApiCommand } from './commands/api.ts';
import { addAuditCommands } from './commands/audit.ts';
import { addBrokerCommands } from './commands/broker.ts';
import { addCellCommands } from './commands/cell.ts';
import { addCompletionCommands } from './commands/completion.ts';
import { addContextCommands } from './commands/context.ts';
import { addDirectoryCommands } from './commands/directory.ts';
import { addFabricCommands } from './commands/fabric.ts';
import { addGrantCommands } from './commands/grant.ts';
import { addGroupCommands } from './commands/group.ts';
import { addGuestCommands } from './commands/guest.ts';
import { addHostCommands } from './commands/host.ts';
import { addHostKeyCommands } from './commands/host-keys.ts';
import { addImageCommands } from './commands/image.ts';
import { addPoolCommands } from './commands/pool.ts';
import { addRoleCommands } from './commands/role.ts';
import { addSignInCommands } from './commands/sign-in.ts';
import { addTaskCommands } from './commands/task.ts';
import { CliError, EXIT } from './error.ts';
import { colour, json } from './print.ts';
import { sessionOf, withExamples } from './session.ts';
import { ownName, type Terminal } from './terminal.ts';

export function createProgram(terminal: Terminal): Command {
  const program = new Command('drover');
  program
    .description('Virtual machines and containers on your own hosts.')
    .version(packageJson.version)
    .option('--context <context>', 'which control plane; else the current one')
    .option('--json', 'for programs: JSON, as the API gives it')
    .option('--verbose', 'with --wait: every line of the log')
    .helpOption('-h, --help', 'what there is, with examples')
    .showSuggestionAfterError()
    // Commander would end the process at a mistake; ours is told by `run`. Every command inherits this.
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(terminal.columns, 120),
    });
  const open = () => sessionOf(program, terminal);
  addGuestCommands(program, open);
  addImageCommands(program, open);
  addTaskCommands(program, open);
  addHostCommands(program, open);
  addHostKeyCommands(program, open);
  addCellCommands(program, open);
  addBrokerCommands(program, open);
  addFabricCommands(program, open);
  addContextCommands(program, open);
  addAccessCommands(program, open);
  addSignInCommands(program, open);
  addDirectoryCommands(program, open);
  addGroupCommands(program, open);
  addRoleCommands(program, open);
  addGrantCommands(program, open);
  addAuditCommands(program, open);
  addPoolCommands(program, open);
  addAccessBundleCommands(program, open);
  addApiCommand(program, open);
  addCompletionCommands(program, open);
  withExamples(program, [
    'drover guest create web --container --image debian-13 --memory 256MiB --start --wait',
    'drover guest list',
    'drover guest exec web -- cat /etc/os-release',
    'drover task list --active',
  ]);
  program.addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong use, 3 not found, 4 conflict, 5 not allowed, 6 control plane out of reach.',
  );
  return program;
}

/** Runs one command line; gives the exit code. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const program = createProgram(terminal);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    return tell(thrown, terminal, program, argv);
  }
}

function tell(thrown: unknown, terminal: Terminal, program: Command, argv: readonly string[]): number {
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return EXIT.ok;
    // Help that nobody asked for has been shown already.
    if (thrown.code === 'commander.help') return EXIT.usage;
    terminal.err(`${thrown.message.replace(/^error: /, '')}\n`);
    terminal.err(`${ownName(terminal)} ${wordsOf(program, argv)}--help shows how to use it.\n`);
    return EXIT.usage;
  }
  const error =
    thrown instanceof CliError
      ? thrown
      : new CliError('failed', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
  if (program.opts().json && error.problem) terminal.err(json(error.problem));
  else terminal.err(`${colour(terminal, 'red', error.message)}\n${error.suggestion ? `${error.suggestion}\n` : ''}`);
  if (!(thrown instanceof CliError) && terminal.env.DROVER_DEBUG && thrown instanceof Error) terminal.err(`${thrown.stack}\n`);
  return EXIT[error.exit];
}

/** The words that lead to the command at hand, for a pointer to its help. */
function wordsOf(program: Command, argv: readonly string[]): string {
  let words = '';
  let command: Command | undefined = program;
  for (const word of argv) {
    command = command.commands.find((child) => child.name() === word);
    if (!command) break;
    words += `${word} `;
  }
  return words;
}
