import { GuestView, HostView, PoweredGuests } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Client } from '../client.ts';
import { CliError } from '../error.ts';
import { json } from '../print.ts';
import { confirm, encoded, listAll, type OpenSession, type Session, withExamples } from '../session.ts';
import { waitForTask } from '../wait.ts';

const GUESTS_MAX = 1_000;
const NAMED_MAX = 10;

export function addHostRemoveCommand(host: Command, open: OpenSession): void {
  const remove = host
    .command('remove')
    .alias('forget')
    .argument('<host>', 'name or id')
    .description('remove a host from the control plane; says first what becomes of its guests')
    .option('--stop-guests', 'shut its guests down first')
    .option('--yes', 'do not ask');
  withExamples(remove, ['drover host remove fra-1', 'drover host remove fra-1 --stop-guests']).action(
    async (name: string, options: { stopGuests?: boolean; yes?: boolean }) => {
      const session = open();
      const client = await session.client();
      const { value } = await client.call('GET', `/hosts/${encoded(name)}`, HostView);
      const running = (await listAll(client, '/guests', GuestView, { host: value.id, state: 'running' }, GUESTS_MAX)).items;
      const stops = options.stopGuests === true && running.length > 0;
      if (stops && !value.connected) {
        throw new CliError('conflict', `host ${value.name} is not connected: its guests cannot be shut down`, {
          suggestion: `without --stop-guests it is removed, and they go on`,
        });
      }
      if (!session.isJson) session.terminal.err(statement(value, running, stops));
      await confirm(session, `Remove host ${value.name}?`, options.yes);
      if (stops) await shutDown(session, client, running);
      await client.call('DELETE', `/hosts/${value.id}`, z.null());
      if (session.isJson) return session.terminal.out(json({ forgotten: value.id }));
      session.terminal.out(
        `Host ${value.name} is removed. To take Drover off the machine itself: sudo apt purge drover-agent; disks of guests stay there.\n`,
      );
    },
  );
}

/** What becomes of its guests, before anything is done. */
export function statement(
  { name, guests }: Pick<HostView, 'name' | 'guests'>,
  running: readonly Pick<GuestView, 'name'>[],
  stops: boolean,
): string {
  if (guests.total === 0) return `Host ${name} has no guests.\n`;
  const named = running.slice(0, NAMED_MAX).map((guest) => guest.name);
  const rest = running.length - named.length;
  const names = `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  const fate =
    running.length === 0
      ? 'None of them runs.'
      : stops
        ? `These run, and are shut down first: ${names}.`
        : `These run, and go on running there, but nobody looks after them any more: ${names}. --stop-guests shuts them down first.`;
  return `Host ${name} has ${guests.total === 1 ? 'one guest' : `${guests.total} guests`}. ${fate}\nThe control plane forgets them. Their disks stay on the machine: nothing there is deleted.\n`;
}

/** All are asked before the first is waited for. Throws CliError when one does not shut down: then the host stays. */
async function shutDown(session: Session, client: Client, running: readonly GuestView[]): Promise<void> {
  const body = { guests: running.map(({ id }) => String(id)) };
  const { items } = (await client.call('POST', '/guests/shutdown', PoweredGuests, { body })).value;
  const failures = items.flatMap(({ asked, problem }) => (problem ? [`${asked}: ${problem.detail}`] : []));
  for (const { task } of items) {
    if (!task) continue;
    await waitForTask(client, session.terminal, task.id, { verbose: session.isVerbose }).catch((error: unknown) => {
      if (!(error instanceof CliError)) throw error;
      failures.push(`${task.target.name}: ${error.message}`);
    });
  }
  if (failures.length > 0) throw new CliError('failed', `the host was not removed: ${failures.join('; ')}`);
}
