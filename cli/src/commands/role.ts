import { RolesView, RoleView } from '@drover/shared/api/access';
import type { Command } from 'commander';
import { z } from 'zod';
import { CliError } from '../error.ts';
import { json, table } from '../print.ts';
import { confirm, encoded, type OpenSession, withExamples } from '../session.ts';

/** Roles: what can be granted. */
export function addRoleCommands(program: Command, open: OpenSession): void {
  const role = program.command('role').description('what can be granted');
  withExamples(role, ['drover role list', 'drover role create starter --privileges VM.Audit,VM.PowerMgmt']);

  const list = role
    .command('list')
    .alias('ls')
    .description('list roles')
    .option('--privileges', 'what each privilege lets one do, instead');
  withExamples(list, ['drover role list', 'drover role list --privileges']).action(async (options: { privileges?: boolean }) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', '/roles', RolesView);
    if (session.isJson) return session.terminal.out(json(raw));
    if (options.privileges)
      return session.terminal.out(
        table(session.terminal, value.privileges, [
          { title: 'PRIVILEGE', value: ({ name }) => name },
          { title: 'ALLOWS', value: ({ summary }) => summary, shrinks: true },
        ]),
      );
    session.terminal.out(
      table(session.terminal, value.items, [
        { title: 'NAME', value: ({ name }) => name },
        { title: 'GRANTED', value: ({ grants }) => String(grants), align: 'right' },
        { title: 'FOR', value: ({ summary, privileges }) => summary ?? privileges.join(', '), shrinks: true },
      ]),
    );
  });

  const create = role
    .command('create')
    .argument('<name>')
    .requiredOption('--privileges <privileges>', 'with commas: drover role list --privileges')
    .description('make a role, or change one of your own');
  withExamples(create, ['drover role create starter --privileges VM.Audit,VM.PowerMgmt']).action(
    async (name: string, options: { privileges: string }) => {
      const session = open();
      const privileges = options.privileges.split(/[\s,]+/).filter(Boolean);
      if (privileges.length === 0) throw new CliError('usage', '--privileges: name at least one');
      const { raw } = await (await session.client()).call('POST', '/roles', RoleView, { body: { name, privileges } });
      session.terminal.out(session.isJson ? json(raw) : `Role ${name} is there. drover grant add gives it to somebody.\n`);
    },
  );

  const remove = role
    .command('delete')
    .alias('rm')
    .argument('<role>')
    .option('--yes', 'do not ask')
    .description('remove a role that is not granted');
  withExamples(remove, ['drover role delete starter']).action(async (name: string, options: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Remove role ${name}?`, options.yes);
    await (await session.client()).call('DELETE', `/roles/${encoded(name)}`, z.unknown());
    session.terminal.out(session.isJson ? json({ deleted: name }) : `Role ${name} is removed.\n`);
  });
}
