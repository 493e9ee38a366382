import type { Command } from 'commander';
import { checkUrl, readContexts, writeContexts } from '../contexts.ts';
import { CliError } from '../error.ts';
import { json, table } from '../print.ts';
import { neededSecret, refuseAsArgument } from '../secret-input.ts';
import { type OpenSession, withExamples } from '../session.ts';

/** Contexts: the control planes that this person uses. */
export function addContextCommands(program: Command, open: OpenSession): void {
  const context = program.command('context').description('the control planes that you use');
  withExamples(context, ['drover context list', 'drover context add work --url https://drover.example.org', 'drover context use work']);

  withExamples(context.command('list').alias('ls').description('list them; the current one has a star'), ['drover context list']).action(
    async () => {
      const { terminal, isJson } = open();
      const file = await readContexts(terminal.env);
      const rows = Object.entries(file.contexts).map(([name, { url }]) => ({ name, url, isCurrent: name === file.current }));
      if (isJson) return terminal.out(json(rows));
      if (rows.length === 0)
        return terminal.err('No control plane is known yet. npm start in the Drover folder adds the one of this machine.\n');
      terminal.out(
        table(terminal, rows, [
          { title: '', value: (row) => (row.isCurrent ? '*' : '') },
          { title: 'NAME', value: (row) => row.name },
          { title: 'URL', value: (row) => row.url, shrinks: true },
        ]),
      );
    },
  );

  withExamples(context.command('use').argument('<context>').description('make one the current one'), ['drover context use local']).action(
    async (name: string) => {
      const { terminal } = open();
      const file = await readContexts(terminal.env);
      if (!Object.hasOwn(file.contexts, name)) throw noContext(name, file.contexts);
      await writeContexts(terminal.env, { ...file, current: name });
      terminal.out(`Commands go to ${name} (${file.contexts[name]?.url}) from now on.\n`);
    },
  );

  const add = context.command('add').argument('<name>').description('add a control plane, or renew what is known of it');
  add
    .requiredOption('--url <url>', 'its address')
    .option('--token-stdin', 'an API token of yours comes on standard input (else from DROVER_TOKEN, or you are asked)')
    .option('--use', 'make it the current one');
  refuseAsArgument(add, '--token', '--token-stdin, DROVER_TOKEN, or type it when you are asked');
  withExamples(add, [
    'drover context add work --url https://drover.example.org --use   # asks for the token',
    'drover context add work --url https://drover.example.org --token-stdin <token.txt',
  ]).action(async (name: string, options: { url: string; tokenStdin?: boolean; use?: boolean }) => {
    const { terminal } = open();
    if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(name))
      throw new CliError('usage', `"${name}" is not a name`, { suggestion: 'use letters, digits, dots and hyphens' });
    const url = checkUrl(options.url, '--url');
    const ways = { fromInput: options.tokenStdin, name: 'Token', variable: 'DROVER_TOKEN', flag: '--token-stdin' };
    const token = await neededSecret(terminal, ways);
    const file = await readContexts(terminal.env);
    const contexts = { ...file.contexts, [name]: { url, token } };
    const current = options.use || !Object.hasOwn(file.contexts, file.current) ? name : file.current;
    await writeContexts(terminal.env, { current, contexts });
    terminal.out(
      `${name} is known${current === name ? ' and is the current one' : `; drover context use ${name} makes it the current one`}.\n`,
    );
  });

  withExamples(context.command('remove').alias('rm').argument('<context>').description('forget one'), [
    'drover context remove work',
  ]).action(async (name: string) => {
    const { terminal } = open();
    const file = await readContexts(terminal.env);
    if (!Object.hasOwn(file.contexts, name)) throw noContext(name, file.contexts);
    const { [name]: _gone, ...contexts } = file.contexts;
    await writeContexts(terminal.env, { current: file.current === name ? (Object.keys(contexts)[0] ?? '') : file.current, contexts });
    terminal.out(`${name} is forgotten.\n`);
  });
}

function noContext(name: string, contexts: Readonly<Record<string, unknown>>): CliError {
  return new CliError('not-found', `there is no context "${name}"`, {
    suggestion: `there are: ${Object.keys(contexts).join(', ') || 'none'}`,
  });
}
