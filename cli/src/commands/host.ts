import { HostView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { hostTable } from '../host-print.ts';
import { json } from '../print.ts';
import { confirm, encoded, listAll, noteRest, type OpenSession, withExamples } from '../session.ts';
import { parseWhole } from '../units.ts';
import { addHostAddCommand } from './host-add.ts';
import { addHostFactsCommands } from './host-facts.ts';
import { addHostRemoveCommand } from './host-remove.ts';
import { addHostReplaceCommand } from './host-replace.ts';
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
  addHostReplaceCommand(host, open);

  const rename = host.command('rename').argument('<host>', 'name or id').argument('<new-name>').description('give a host another name');
  withExamples(rename, ['drover host rename debian fra-1']).action(async (name: string, newName: string) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('PATCH', pathOf(name), HostView, { body: { name: newName } });
    session.terminal.out(session.isJson ? json(raw) : `The host is called ${value.name} now.\n`);
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
  addHostAddCommand(host, open);
  addHostRemoveCommand(host, open);
}
