import { readFileSync } from 'node:fs';
import { DirectoriesView, DirectoryTestView, DirectoryView, SyncedDirectoryView } from '@drover/shared/api/directories';
import type { Command } from 'commander';
import { z } from 'zod';
import { CliError } from '../error.ts';
import { json, table } from '../print.ts';
import { neededSecret, readSecret, refuseAsArgument } from '../secret-input.ts';
import { confirm, encoded, type OpenSession, withExamples } from '../session.ts';
import { formatTime } from '../units.ts';

const pathOf = (directory: string, rest = ''): string => `/directories/${encoded(directory)}${rest}`;

/** Directories that people may sign in by. */
export function addDirectoryCommands(program: Command, open: OpenSession): void {
  const directory = program.command('directory').description('directories that people sign in by: LDAP, Active Directory, OpenID Connect');
  withExamples(directory, ['drover directory list', 'drover directory test corp', 'drover directory sync corp --dry-run']);
  addList(directory, open);
  addAdd(directory, open);
  addEdit(directory, open);
  addTest(directory, open);
  addSync(directory, open);
}

function addList(directory: Command, open: OpenSession): void {
  const list = directory.command('list').alias('ls').description('list directories');
  withExamples(list, ['drover directory list']).action(async () => {
    const { terminal, client, isJson } = open();
    const { value, raw } = await (await client()).call('GET', '/directories', DirectoriesView);
    if (isJson) return terminal.out(json(raw));
    terminal.out(
      table(terminal, value.items, [
        { title: 'NAME', value: ({ name }) => name },
        { title: 'KIND', value: ({ kind }) => kind },
        { title: 'STATE', value: ({ enabled }) => (enabled ? 'enabled' : 'disabled') },
        { title: 'AT', value: ({ settings }) => (settings.kind === 'oidc' ? settings.issuer : settings.servers.join(', ')), shrinks: true },
        { title: 'SYNCED', value: ({ syncedAtMs }) => (syncedAtMs === null ? 'never' : formatTime(syncedAtMs)) },
      ]),
    );
  });
  const remove = directory
    .command('delete')
    .alias('rm')
    .argument('<directory>')
    .option('--yes', 'do not ask')
    .description('remove a directory; its users stay, and can no longer sign in by it');
  withExamples(remove, ['drover directory delete corp']).action(async (name: string, { yes }: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Remove the directory ${name}? Nobody can sign in by it then.`, yes);
    await (await session.client()).call('DELETE', pathOf(name), z.unknown());
    session.terminal.out(session.isJson ? json({ deleted: name }) : `The directory ${name} is removed.\n`);
  });
}

interface SettingOptions {
  readonly set?: readonly string[];
  readonly ca?: string;
  readonly secretStdin?: boolean;
}

/** Every setting has the name that it has in the API; its value is JSON, or a text. */
const withSettings = (command: Command): Command => {
  refuseAsArgument(command, '--secret', '--secret-stdin');
  return command
    .option('--set <setting=value...>', 'a setting as the API calls it; a list is written as JSON or with commas')
    .option('--ca <file>', 'LDAP: who has signed the servers’ certificates, in PEM')
    .option('--secret-stdin', 'the bind password, or the client’s secret, is the first line of standard input');
};

const LISTS = ['servers', 'scopes'];

function settingsOf({ set = [], ca }: SettingOptions): Record<string, unknown> {
  const settings: Record<string, unknown> = ca === undefined ? {} : { ca: readFileSync(ca, 'utf8') };
  for (const pair of set) {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined || value === undefined) throw new CliError('usage', `--set ${pair}: write setting=value`);
    settings[name] = settingFrom(name, value);
  }
  return settings;
}

function settingFrom(name: string, text: string): unknown {
  if (/^(true|false|null|\d+|\[.*\]|\{.*\})$/s.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      // Brackets that are no JSON are a text like any other.
    }
  }
  return LISTS.includes(name) ? text.split(',').map((part) => part.trim()) : text;
}

function addAdd(directory: Command, open: OpenSession): void {
  const add = withSettings(
    directory
      .command('add')
      .argument('<name>')
      .requiredOption('--kind <kind>', 'ldap or oidc')
      .description('add a directory; its secret is asked for, or read from standard input'),
  );
  withExamples(add, [
    'drover directory add corp --kind ldap --set servers=ldap.example.org mode=starttls baseDn=ou=people,dc=example,dc=org bindDn=cn=drover,dc=example,dc=org --ca ca.pem',
    'drover directory add ad --kind ldap --set servers=dc1.example.org,dc2.example.org userAttribute=sAMAccountName idAttribute=objectGUID …',
    'drover directory add sso --kind oidc --set issuer=https://sso.example.org clientId=drover autocreate=true --secret-stdin < secret',
  ]).action(async (name: string, options: SettingOptions & { kind: string }) => {
    const { terminal, client, isJson } = open();
    const settings = settingsOf(options);
    const needsNone = options.kind === 'ldap' && settings.bindDn === undefined;
    const secret = needsNone
      ? null
      : await readSecret(terminal, { fromInput: options.secretStdin, name: 'Secret', flag: '--secret-stdin' });
    const body = { ...settings, name, kind: options.kind, ...(secret ? { secret } : {}) };
    const { raw } = await (await client()).call('POST', '/directories', DirectoryView, { body });
    terminal.out(isJson ? json(raw) : `The directory ${name} is added; drover directory test ${name} tries it.\n`);
  });
}

function addEdit(directory: Command, open: OpenSession): void {
  const edit = withSettings(directory.command('edit').argument('<directory>').description('change settings of a directory, or its secret'));
  withExamples(edit, ['drover directory edit corp --set nestedGroups=true', 'drover directory edit corp --secret-stdin < secret']).action(
    async (name: string, options: SettingOptions) => {
      const { terminal, client, isJson } = open();
      const secret = options.secretStdin ? await neededSecret(terminal, { fromInput: true, name: 'Secret', flag: '--secret-stdin' }) : null;
      const body = { settings: settingsOf(options), ...(secret === null ? {} : { secret }) };
      const { raw } = await (await client()).call('PATCH', pathOf(name), DirectoryView, { body });
      terminal.out(isJson ? json(raw) : `The directory ${name} is changed.\n`);
    },
  );
}

function addTest(directory: Command, open: OpenSession): void {
  const test = directory
    .command('test')
    .argument('<directory>')
    .option('--user <name>', 'also look for this person')
    .option('--password-stdin', 'and try this password of theirs, the first line of standard input')
    .description('try a directory step by step, and say what is wrong');
  withExamples(test, ['drover directory test corp', 'drover directory test corp --user anna']).action(
    async (name: string, { user, passwordStdin }: { user?: string; passwordStdin?: boolean }) => {
      const { terminal, client, isJson } = open();
      const password = passwordStdin ? await neededSecret(terminal, { fromInput: true, name: 'Password', flag: '--password-stdin' }) : null;
      const body = { ...(user === undefined ? {} : { name: user }), ...(password === null ? {} : { password }) };
      const { value, raw } = await (await client()).call('POST', pathOf(name, '/test'), DirectoryTestView, { body });
      if (!value.works) process.exitCode = 1;
      if (isJson) return terminal.out(json(raw));
      for (const { step, works, detail, suggestion } of value.steps) {
        terminal.out(`${works ? 'good' : 'BAD '}  ${step}: ${detail}\n${suggestion === null ? '' : `      ${suggestion}\n`}`);
      }
    },
  );
}

function addSync(directory: Command, open: OpenSession): void {
  const sync = directory
    .command('sync')
    .argument('<directory>')
    .option('--dry-run', 'say what would change, and change nothing')
    .option('--force', 'also when most of those who are known here would be disabled')
    .description('make users here as an LDAP directory says; who vanished is disabled, nobody is removed');
  withExamples(sync, ['drover directory sync corp --dry-run', 'drover directory sync corp']).action(
    async (name: string, { dryRun = false, force = false }: { dryRun?: boolean; force?: boolean }) => {
      const { terminal, client, isJson } = open();
      const { value, raw } = await (await client()).call('POST', pathOf(name, '/sync'), SyncedDirectoryView, { body: { dryRun, force } });
      if (isJson) return terminal.out(json(raw));
      for (const added of value.added) terminal.out(`add      ${added}\n`);
      for (const changed of value.changed) terminal.out(`change   ${changed.name}: ${changed.what}\n`);
      for (const disabled of value.disabled) terminal.out(`disable  ${disabled}\n`);
      for (const left of value.left) terminal.out(`leave    ${left.name}: ${left.why}\n`);
      terminal.out(`${value.unchanged} are as they were${value.dryRun ? '; nothing was changed' : ''}.\n`);
    },
  );
}
