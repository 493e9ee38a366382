import { GuestView, StreamView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { CliError } from '../error.ts';
import { encoded, type OpenSession, withExamples } from '../session.ts';
import { joinStream } from '../stream.ts';

/** exec and console: a guest's own words, through the relay. */
export function addStreamCommands(guest: Command, open: OpenSession): void {
  const exec = guest.command('exec').argument('<guest>', 'name or id').argument('<command...>', 'program and arguments, after --');
  exec.description("run a program in a guest; ends with the program's exit code");
  exec.option('-t, --tty', 'give it a terminal').option('-n, --no-stdin', 'send it no input');
  withExamples(exec, [
    'drover guest exec web -- cat /etc/os-release',
    'drover guest exec -t web -- bash',
    'tar cz site | drover guest exec web -- tar xz -C /srv',
    'drover guest exec web -- systemctl is-active nginx && echo up',
  ]).action(async (name: string, command: string[], options: { tty?: boolean; stdin: boolean }) => {
    const session = open();
    if (options.tty && !(session.terminal.isInTty && session.terminal.isOutTty)) {
      throw new CliError('usage', '--tty: this is not a terminal', { suggestion: 'leave -t out' });
    }
    const client = await session.client();
    const { value } = await client.call('POST', `/guests/${encoded(name)}/exec`, StreamView, {
      body: { command, tty: options.tty === true },
    });
    const isTerminal = options.tty === true;
    process.exitCode = await joinStream(client.target, value, { isTerminal, hasEscape: false, readsInput: options.stdin });
  });

  const consoleCommand = guest.command('console').argument('<guest>', 'name or id');
  consoleCommand.description("a guest's console: a VM's serial port, a container's root shell");
  withExamples(consoleCommand, ['drover guest console db']).action(async (name: string) => {
    const session = open();
    const { terminal } = session;
    if (!terminal.isInTty || !terminal.isOutTty) {
      throw new CliError('usage', 'a console needs a terminal', { suggestion: 'guest exec runs a program without one' });
    }
    const client = await session.client();
    const guestNow = await client.call('GET', `/guests/${encoded(name)}`, GuestView);
    const { value } = await client.call('POST', `/guests/${encoded(name)}/console`, StreamView, { body: {} });
    terminal.err(
      `Console of ${guestNow.value.name}. Ctrl-] then q leaves it${guestNow.value.type === 'vm' ? '; press Enter if it is quiet' : ''}.\n`,
    );
    process.exitCode = await joinStream(client.target, value, { isTerminal: true, hasEscape: true, readsInput: true });
    terminal.err('\nLeft the console.\n');
  });
}
