import { EnrolmentView, HostView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { z } from 'zod';
import { hostTable } from '../host-print.ts';
import { json } from '../print.ts';
import { confirm, encoded, listAll, noteRest, type OpenSession, withExamples } from '../session.ts';
import { formatTime, parseWhole } from '../units.ts';
import { addHostFactsCommands } from './host-facts.ts';
import { addHostUpkeepCommands } from './host-upkeep.ts';

const pathOf = (host: string): string => `/hosts/${encoded(host)}`;

/** Hosts: the machines that guests run on. */
export function addHostCommands(program: Command, open: OpenSession): void {
  const host = program.command('host').description('the machines that guests run on');
  withExamples(host, ['drover host list', 'drover host show fra-1', 'drover host add --name fra-2']);

  const list = host.command('list').alias('ls').description('list hosts').option('--tag <tag>', 'with this tag');
  list.option('--limit <number>', 'at most so many', '1000');
  withExamples(list, ['drover host list', 'drover host list --tag edge --json']).action(
    async (options: { tag?: string; limit: string }) => {
      const session = open();
      const limit = parseWhole(options.limit, '--limit', { min: 1, max: 1_000_000 });
      const listed = await listAll(await session.client(), '/hosts', HostView, { tag: options.tag }, limit);
      if (session.isJson) session.terminal.out(json(listed.raw));
      else if (listed.items.length === 0)
        session.terminal.err(options.tag === undefined ? 'No hosts. drover host add says how to add one.\n' : 'No hosts with this tag.\n');
      else session.terminal.out(hostTable(session.terminal, listed.items));
      noteRest(session, listed);
    },
  );

  addHostFactsCommands(host, open);

  const rename = host.command('rename').argument('<host>', 'name or id').argument('<new-name>').description('give a host another name');
  withExamples(rename, ['drover host rename debian fra-1']).action(async (name: string, newName: string) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('PATCH', pathOf(name), HostView, { body: { name: newName } });
    session.terminal.out(session.isJson ? json(raw) : `The host is called ${value.name} now.\n`);
  });

  const forget = host
    .command('forget')
    .argument('<host>', 'name or id')
    .description('remove a host from the control plane; nothing on it is touched');
  forget.option('--yes', 'do not ask');
  withExamples(forget, ['drover host forget fra-1']).action(async (name: string, options: { yes?: boolean }) => {
    const session = open();
    const client = await session.client();
    const { value } = await client.call('GET', pathOf(name), HostView);
    const guests =
      value.guests.total === 0 ? 'It has no guests.' : `Its ${value.guests.total} guests are forgotten too, but go on running there.`;
    await confirm(session, `Forget host ${value.name}? ${guests}`, options.yes);
    await client.call('DELETE', pathOf(value.id), z.null());
    session.terminal.out(session.isJson ? json({ forgotten: value.id }) : `Host ${value.name} is forgotten.\n`);
  });

  const revoke = host
    .command('revoke')
    .argument('<host>', 'name or id')
    .description('cut a host off: it is heard no more and told nothing, its guests run on');
  revoke.option('--yes', 'do not ask');
  withExamples(revoke, ['drover host revoke fra-1']).action(async (name: string, options: { yes?: boolean }) => {
    const session = open();
    const client = await session.client();
    const { value } = await client.call('GET', pathOf(name), HostView);
    await confirm(
      session,
      `Cut off host ${value.name}? Its guests run on, and nobody can change or see them until it is admitted again.`,
      options.yes,
    );
    const { raw } = await client.call('POST', `${pathOf(value.id)}/revoke`, HostView, { body: {} });
    session.terminal.out(session.isJson ? json(raw) : `Host ${value.name} is cut off. drover host admit ${value.name} lets it in again.\n`);
  });

  const admit = host.command('admit').argument('<host>', 'name or id').description('let a host in again that was cut off');
  withExamples(admit, ['drover host admit fra-1']).action(async (name: string) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('POST', `${pathOf(name)}/admit`, HostView, { body: {} });
    session.terminal.out(session.isJson ? json(raw) : `Host ${value.name} may come in again.\n`);
  });

  addHostUpkeepCommands(host, open);

  const add = host
    .command('add')
    .description('let a new host in: prints what to type on it')
    .option('--name <name>', 'what it shall be called')
    .option('--clone', 'for a machine with a clone of Drover, which then runs the agent in the foreground');
  withExamples(add, ['drover host add', 'drover host add --name fra-2']).action(async (options: { name?: string; clone?: boolean }) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('POST', '/hosts/enrolments', EnrolmentView, {
      body: { name: options.name },
    });
    if (session.isJson) return session.terminal.out(json(raw));
    const [line, where] = options.clone ? [value.cloneCommand, 'as root, in a clone of Drover,'] : [value.command, 'a Debian 12 or 13,'];
    session.terminal.err(`Type this on the new host, ${where} before ${formatTime(value.expiresAtMs)}; it is good for one host:\n`);
    session.terminal.out(`${line}\n`);
    if (/:\/\/(localhost|127\.0\.0\.1|\[::1\])/.test(line)) {
      session.terminal.err('On the new host, localhost would be itself: write the address of this machine there instead.\n');
    }
  });
}
