import { GrantsView, GrantView } from '@drover/shared/api/access';
import type { Command } from 'commander';
import { z } from 'zod';
import { parseMoment } from '../moment-input.ts';
import { json, table } from '../print.ts';
import { confirm, encoded, type OpenSession, withExamples } from '../session.ts';
import { formatTime } from '../units.ts';

/** Grants: a role for somebody, somewhere. */
export function addGrantCommands(program: Command, open: OpenSession): void {
  const grant = program.command('grant').description('a role for somebody, somewhere');
  withExamples(grant, ['drover grant list', 'drover grant add group:ops operator /pool/shop', 'drover grant delete grant_…']);
  addList(grant, open);
  addAdd(grant, open);

  const remove = grant
    .command('delete')
    .alias('rm')
    .argument('<grant>', 'its id')
    .option('--yes', 'do not ask')
    .description('take a grant back');
  withExamples(remove, ['drover grant delete grant_…']).action(async (id: string, options: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Take grant ${id} back?`, options.yes);
    await (await session.client()).call('DELETE', `/grants/${encoded(id)}`, z.unknown());
    session.terminal.out(session.isJson ? json({ deleted: id }) : `Grant ${id} is taken back.\n`);
  });
}

function addList(grant: Command, open: OpenSession): void {
  const list = grant
    .command('list')
    .alias('ls')
    .option('--scope <scope>', 'on this scope itself, such as /vms/web')
    .option('--who <who>', 'for user:anna, group:ops or token:anna!ci')
    .description('list grants');
  withExamples(list, ['drover grant list', 'drover grant list --who group:ops', 'drover grant list --scope /pool/shop']).action(
    async ({ scope, who }: { scope?: string; who?: string }) => {
      const session = open();
      const query = { scope, who: who === undefined ? undefined : withKind(who) };
      const { value, raw } = await (await session.client()).call('GET', '/grants', GrantsView, { query });
      if (session.isJson) return session.terminal.out(json(raw));
      if (value.items.length === 0) return session.terminal.err('No grants.\n');
      session.terminal.out(
        table(session.terminal, value.items, [
          { title: 'WHO', value: (row) => `${row.who.kind} ${row.who.name ?? row.who.id}`, shrinks: true },
          { title: 'ROLE', value: (row) => row.role },
          { title: 'SCOPE', value: (row) => (row.scopeName === null ? row.scope : `${row.scope} (${row.scopeName})`), shrinks: true },
          { title: 'INHERITED', value: (row) => (row.inherit ? 'yes' : 'no') },
          { title: 'UNTIL', value: (row) => (row.untilMs === null ? '-' : `${formatTime(row.untilMs)}${row.isOver ? ', over' : ''}`) },
          { title: 'ID', value: (row) => row.id },
        ]),
      );
    },
  );
}

function addAdd(grant: Command, open: OpenSession): void {
  const add = grant
    .command('add')
    .argument('<who>', 'user:anna, group:ops or token:anna!ci; a name alone is a user’s, or with "!" a token’s')
    .argument('<role>', 'drover role list')
    .argument('<scope>', '/, /vms/web, /pool/shop, /tag/prod, /nodes/fra-1, /storage/…, /network/…, /access')
    .option('--no-inherit', 'there alone, not on what is below it, in it or on it')
    .option('--until <date>', 'such as 2027-01-31 or 2027-01-31T12:00:00Z')
    .description('give somebody a role');
  withExamples(add, [
    'drover grant add group:ops operator /vms',
    'drover grant add anna guest-user /pool/shop --until 2027-01-31',
    'drover grant add token:anna!ci auditor /vms/web --no-inherit',
  ]).action(async (who: string, role: string, scope: string, { inherit, until }: { inherit: boolean; until?: string }) => {
    const session = open();
    const untilMs = until === undefined ? null : parseMoment(until, '--until');
    const body = { who: withKind(who), role, scope, inherit, untilMs };
    const { value, raw } = await (await session.client()).call('POST', '/grants', GrantView, { body });
    session.terminal.out(session.isJson ? json(raw) : `${value.role} is granted: ${value.id}\n`);
  });
}

const withKind = (who: string): string => (/^(user|group|token):/.test(who) ? who : `${who.includes('!') ? 'token' : 'user'}:${who}`);
