import { GroupView } from '@drover/shared/api/access';
import type { Command } from 'commander';
import { z } from 'zod';
import { json, table } from '../print.ts';
import { confirm, encoded, listAll, noteRest, type OpenSession, withExamples } from '../session.ts';

const LIMIT = 10_000;
const pathOf = (group: string): string => `/groups/${encoded(group)}`;

/** Groups: people who may do alike. */
export function addGroupCommands(program: Command, open: OpenSession): void {
  const group = program.command('group').description('people who may do alike');
  withExamples(group, ['drover group create ops', 'drover group add ops anna', 'drover grant add group:ops operator /vms']);

  withExamples(group.command('list').alias('ls').description('list groups'), ['drover group list']).action(async () => {
    const session = open();
    const listed = await listAll(await session.client(), '/groups', GroupView, {}, LIMIT);
    if (session.isJson) return session.terminal.out(json(listed.raw));
    if (listed.items.length === 0) return session.terminal.err('No groups.\n');
    session.terminal.out(
      table(session.terminal, listed.items, [
        { title: 'NAME', value: ({ name }) => name },
        { title: 'KEPT BY', value: ({ directory }) => directory ?? '-' },
        { title: 'MEMBERS', value: ({ members }) => members.map(({ name }) => name).join(', ') || '-', shrinks: true },
      ]),
    );
    noteRest(session, listed);
  });

  const create = group.command('create').argument('<name>').option('--notes <text>').description('make a group');
  withExamples(create, ['drover group create ops --notes "on call"']).action(async (name: string, { notes }: { notes?: string }) => {
    const session = open();
    const { raw } = await (await session.client()).call('POST', '/groups', GroupView, { body: { name, notes } });
    session.terminal.out(session.isJson ? json(raw) : `Group ${name} is there.\n`);
  });

  const remove = group
    .command('delete')
    .alias('rm')
    .argument('<group>')
    .option('--yes', 'do not ask')
    .description('remove a group, with what was granted to it');
  withExamples(remove, ['drover group delete ops']).action(async (name: string, options: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Remove group ${name}, and what was granted to it?`, options.yes);
    await (await session.client()).call('DELETE', pathOf(name), z.unknown());
    session.terminal.out(session.isJson ? json({ deleted: name }) : `Group ${name} is removed.\n`);
  });
  addMembers(group, open);
}

function addMembers(group: Command, open: OpenSession): void {
  const add = group.command('add').argument('<group>').argument('<user>').description('take somebody into a group');
  withExamples(add, ['drover group add ops anna']).action(async (name: string, user: string) => {
    const session = open();
    const { raw } = await (await session.client()).call('POST', `${pathOf(name)}/members`, GroupView, { body: { user } });
    session.terminal.out(session.isJson ? json(raw) : `${user} is in ${name}.\n`);
  });
  const leave = group.command('remove').argument('<group>').argument('<user>').description('take somebody out of a group');
  withExamples(leave, ['drover group remove ops anna']).action(async (name: string, user: string) => {
    const session = open();
    const { raw } = await (await session.client()).call('DELETE', `${pathOf(name)}/members/${encoded(user)}`, GroupView);
    session.terminal.out(session.isJson ? json(raw) : `${user} is not in ${name} any more.\n`);
  });
}
