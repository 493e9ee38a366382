import { NewTokenView, SessionView, SignInLinkView, TokenView, UserView } from '@drover/shared/api/views';
import { RoleName } from '@drover/shared/model/access';
import type { Command } from 'commander';
import { z } from 'zod';
import { CliError } from '../error.ts';
import { parseMoment } from '../moment-input.ts';
import { json, table } from '../print.ts';
import { confirm, encoded, listAll, noteRest, type OpenSession, withExamples } from '../session.ts';
import { formatTime, parseWhole } from '../units.ts';

const LIMIT = 10_000;

/** Who may sign in, and with what. */
export function addAccessCommands(program: Command, open: OpenSession): void {
  addSignInLink(program, open);
  addUser(program, open);
  addToken(program, open);
}

function addSignInLink(program: Command, open: OpenSession): void {
  const link = program.command('sign-in-link').argument('[user]', 'else yourself').description('make a link that signs a browser in, once');
  withExamples(link, ['drover sign-in-link', 'drover sign-in-link anna']).action(async (name: string | undefined) => {
    const session = open();
    const client = await session.client();
    const user = name ?? (await client.call('GET', '/session', SessionView)).value.user.id;
    const { value, raw } = await client.call('POST', `/users/${encoded(user)}/sign-in-link`, SignInLinkView, { body: {} });
    if (session.isJson) return session.terminal.out(json(raw));
    session.terminal.out(`${value.signInUrl}\n`);
    session.terminal.err(`It signs ${value.user.name} in, once, until ${formatTime(value.expiresAtMs)}.\n`);
  });
}

function addUser(program: Command, open: OpenSession): void {
  const user = program.command('user').description('who may sign in');
  withExamples(user, ['drover user list', 'drover user create anna --role operator']);
  withExamples(user.command('list').alias('ls').description('list users'), ['drover user list']).action(async () => {
    const session = open();
    const listed = await listAll(await session.client(), '/users', UserView, {}, LIMIT);
    if (session.isJson) return session.terminal.out(json(listed.raw));
    session.terminal.out(
      table(session.terminal, listed.items, [
        { title: 'NAME', value: (row) => row.name, shrinks: true },
        { title: 'ROLE', value: (row) => row.roles.join(', ') || '-' },
        { title: 'SINCE', value: (row) => formatTime(row.createdAtMs) },
      ]),
    );
    noteRest(session, listed);
  });
  const create = user
    .command('create')
    .argument('<name>')
    .option('--role <role>', 'what they may do on everything: drover role list')
    .description('add a user, and print a sign-in link');
  create.option('--link-days <days>', 'how long the link is good for, up to 30', '1');
  const examples = ['drover user create anna --role operator', 'drover user create ben --link-days 7'];
  withExamples(create, examples).action(async (name: string, options: { role?: string; linkDays: string }) => {
    const session = open();
    const linkDays = parseWhole(options.linkDays, '--link-days', { min: 1, max: 30 });
    const body = { name, role: roleOf(options.role), linkDays };
    const { value, raw } = await (await session.client()).call('POST', '/users', SignInLinkView, { body });
    if (session.isJson) return session.terminal.out(json(raw));
    session.terminal.out(`${value.signInUrl}\n`);
    session.terminal.err(`Give this link to ${value.user.name}: it works once, until ${formatTime(value.expiresAtMs)}.\n`);
  });
  const remove = user
    .command('delete')
    .alias('rm')
    .argument('<user>', 'name or id')
    .option('--yes', 'do not ask')
    .description('remove a user and all tokens of theirs');
  withExamples(remove, ['drover user delete anna']).action(async (name: string, options: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Remove user ${name} and all tokens of theirs?`, options.yes);
    await (await session.client()).call('DELETE', `/users/${encoded(name)}`, z.unknown());
    session.terminal.out(session.isJson ? json({ deleted: name }) : `User ${name} is removed.\n`);
  });
}

function addToken(program: Command, open: OpenSession): void {
  const token = program.command('token').description('what programs sign in with');
  withExamples(token, ['drover token list', 'drover token create backup-script --role auditor']);
  withExamples(token.command('list').alias('ls').description('list tokens'), ['drover token list']).action(async () => {
    const session = open();
    const listed = await listAll(await session.client(), '/tokens', TokenView, {}, LIMIT);
    if (session.isJson) return session.terminal.out(json(listed.raw));
    session.terminal.out(
      table(session.terminal, listed.items, [
        { title: 'NAME', value: (row) => row.name, shrinks: true },
        { title: 'USER', value: (row) => row.user.name, shrinks: true },
        { title: 'ROLE', value: (row) => (row.ownGrantsOnly ? row.roles.join(', ') || '-' : 'as its user') },
        { title: 'CREATED', value: (row) => formatTime(row.createdAtMs) },
        { title: 'LAST USED', value: (row) => (row.lastUsedAtMs === null ? 'never' : formatTime(row.lastUsedAtMs)) },
        { title: 'ID', value: (row) => row.id },
      ]),
    );
    noteRest(session, listed);
  });
  const create = token
    .command('create')
    .argument('<name>')
    .option('--role <role>', 'what it may do on everything, within what you may; else all that you may')
    .option('--own-grants-only', 'it may do what is granted to it alone, and nothing yet')
    .option('--expires <date>', 'until then, such as 2027-01-31')
    .description('make a token; it is shown once');
  withExamples(create, [
    'drover token create backup-script --role auditor',
    'drover token create ci --own-grants-only --expires 2027-01-31    # then: drover grant add',
  ]).action(async (name: string, options: { role?: string; ownGrantsOnly?: boolean; expires?: string }) => {
    const session = open();
    const expiresAtMs = options.expires === undefined ? undefined : parseMoment(options.expires, '--expires');
    const body = { name, role: roleOf(options.role), ownGrantsOnly: options.ownGrantsOnly, expiresAtMs };
    const { value, raw } = await (await session.client()).call('POST', '/tokens', NewTokenView, { body });
    if (session.isJson) return session.terminal.out(json(raw));
    session.terminal.out(`${value.secret}\n`);
    session.terminal.err('It is shown only now. Programs send it as: Authorization: Bearer …\n');
  });
  const remove = token
    .command('delete')
    .alias('rm')
    .argument('<token>', 'its id')
    .option('--yes', 'do not ask')
    .description('make a token useless');
  withExamples(remove, ['drover token delete token_…']).action(async (id: string, options: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Make token ${id} useless?`, options.yes);
    await (await session.client()).call('DELETE', `/tokens/${encoded(id)}`, z.unknown());
    session.terminal.out(session.isJson ? json({ deleted: id }) : `Token ${id} is useless now.\n`);
  });
}

function roleOf(text: string | undefined): RoleName | undefined {
  const parsed = RoleName.optional().safeParse(text);
  if (parsed.success) return parsed.data;
  throw new CliError('usage', `--role: "${text}" is not a role: drover role list`);
}
