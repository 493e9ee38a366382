import { EndedSessionsView, SignInPolicy, SignInSessionsView } from '@drover/shared/api/identity';
import { UserView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { z } from 'zod';
import { CliError } from '../error.ts';
import { json, table } from '../print.ts';
import { confirm, encoded, type OpenSession, withExamples } from '../session.ts';
import { formatTime, parseDuration } from '../units.ts';

/** Who is signed in, and what it takes to be. */
export function addSignInCommands(program: Command, open: OpenSession): void {
  addSession(program, open);
  addPolicy(program, open);
  const user = program.commands.find((command) => command.name() === 'user');
  if (user) addUserState(user, open);
}

function addSession(program: Command, open: OpenSession): void {
  const session = program.command('session').description('who is signed in with a browser, and from where');
  withExamples(session, ['drover session list', 'drover session end token_…']);
  const list = session
    .command('list')
    .alias('ls')
    .argument('[user]', 'else yourself; * for everybody')
    .description('list sessions, the last used first');
  withExamples(list, ['drover session list', 'drover session list anna', "drover session list '*'"]).action(
    async (user: string | undefined) => {
      const { terminal, client, isJson } = open();
      const query = user === undefined ? {} : { user };
      const { value, raw } = await (await client()).call('GET', '/sessions', SignInSessionsView, { query });
      if (isJson) return terminal.out(json(raw));
      terminal.out(
        table(terminal, value.items, [
          { title: 'USER', value: (row) => row.user.name, shrinks: true },
          { title: 'DEVICE', value: (row) => row.device ?? '', shrinks: true },
          { title: 'ADDRESS', value: (row) => row.address ?? '' },
          { title: 'BY', value: (row) => row.way ?? '' },
          { title: 'SINCE', value: (row) => formatTime(row.createdAtMs) },
          { title: 'LAST USED', value: (row) => (row.lastUsedAtMs === null ? 'never' : formatTime(row.lastUsedAtMs)) },
          { title: 'ID', value: (row) => row.id },
        ]),
      );
    },
  );
  const end = session
    .command('end')
    .argument('[session]', 'its id; with --others none')
    .option('--others', 'all of your own')
    .description('end a session');
  withExamples(end, ['drover session end token_…', 'drover session end --others']).action(
    async (id: string | undefined, { others }: { others?: boolean }) => {
      const { terminal, client, isJson } = open();
      if ((id === undefined) === (others !== true)) throw new CliError('usage', 'name a session, or say --others');
      if (id === undefined) {
        const { value, raw } = await (await client()).call('POST', '/sessions/end-others', EndedSessionsView, { body: {} });
        return terminal.out(isJson ? json(raw) : `${value.ended} sessions have ended.\n`);
      }
      await (await client()).call('DELETE', `/sessions/${encoded(id)}`, z.unknown());
      terminal.out(isJson ? json({ ended: id }) : `Session ${id} has ended.\n`);
    },
  );
}

function addUserState(user: Command, open: OpenSession): void {
  const disable = user
    .command('disable')
    .argument('<user>', 'name or id')
    .option('--because <words>', 'why; they read it when they try to come in', '')
    .description('let a user in no more; their sessions end');
  withExamples(disable, ['drover user disable anna --because "left in March"']).action(
    async (name: string, { because }: { because: string }) => {
      const { terminal, client, isJson } = open();
      const { raw } = await (await client()).call('POST', `/users/${encoded(name)}/disable`, UserView, { body: { because } });
      terminal.out(isJson ? json(raw) : `User ${name} is disabled.\n`);
    },
  );
  const enable = user.command('enable').argument('<user>', 'name or id').description('let a disabled user in again');
  withExamples(enable, ['drover user enable anna']).action(async (name: string) => {
    const { terminal, client, isJson } = open();
    const { raw } = await (await client()).call('POST', `/users/${encoded(name)}/enable`, UserView, { body: {} });
    terminal.out(isJson ? json(raw) : `User ${name} may come in again.\n`);
  });
  const reset = user
    .command('reset-second-factor')
    .argument('<user>', 'name or id')
    .option('--yes', 'do not ask')
    .description('take away codes, recovery codes and passkeys of somebody who has lost them');
  withExamples(reset, ['drover user reset-second-factor anna']).action(async (name: string, { yes }: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Take away all that ${name} proves themselves with besides the password?`, yes);
    const { raw } = await (await session.client()).call('POST', `/users/${encoded(name)}/reset-second-factor`, UserView, { body: {} });
    session.terminal.out(session.isJson ? json(raw) : `User ${name} has no second factor any more; their sessions have ended.\n`);
  });
}

interface PolicyOptions {
  readonly secondFactor?: string;
  readonly session?: string;
  readonly idle?: string;
}

function addPolicy(program: Command, open: OpenSession): void {
  const policy = program
    .command('sign-in-policy')
    .option('--second-factor <who>', 'who needs one: nobody, owners or everybody')
    .option('--session <time>', 'a session ends so long after it began: 30d')
    .option('--idle <time>', 'and when nobody used it for so long: 12h')
    .description('show what the fleet asks of those who sign in, or change it');
  withExamples(policy, ['drover sign-in-policy', 'drover sign-in-policy --second-factor owners --idle 8h']).action(
    async (options: PolicyOptions) => {
      const { terminal, client, isJson } = open();
      const body = {
        ...(options.secondFactor === undefined ? {} : { secondFactor: options.secondFactor }),
        ...(options.session === undefined ? {} : { sessionMs: parseDuration(options.session) }),
        ...(options.idle === undefined ? {} : { idleMs: parseDuration(options.idle) }),
      };
      const isChange = Object.keys(body).length > 0;
      const { value, raw } = await (await client()).call(
        isChange ? 'PATCH' : 'GET',
        '/sign-in-policy',
        SignInPolicy,
        isChange ? { body } : {},
      );
      if (isJson) return terminal.out(json(raw));
      const hours = (ms: number): string => `${Math.round(ms / 360_000) / 10} h`;
      terminal.out(
        `A second factor is asked of ${value.secondFactor}.\nA session lasts ${hours(value.sessionMs)}, and ${hours(value.idleMs)} when nobody uses it.\n`,
      );
    },
  );
}
