import { PoolsView, PoolView, SetPool } from '@drover/shared/api/access';
import type { Command } from 'commander';
import { z } from 'zod';
import { memberPath, type QuotaOptions, quotaOf, quotaWords } from '../pool-input.ts';
import { json, table } from '../print.ts';
import { confirm, encoded, type OpenSession, withExamples } from '../session.ts';

interface EditOptions extends QuotaOptions {
  readonly notes?: string;
}

const pathOf = (pool: string): string => `/pools/${encoded(pool)}`;

/** Pools: what belongs together, for rights and for limits. */
export function addPoolCommands(program: Command, open: OpenSession): void {
  const pool = program.command('pool').description('guests, storages and networks that belong together, for rights and for limits');
  withExamples(pool, ['drover pool create shop --memory-max 64GiB', 'drover pool put guest web shop', 'drover pool list']);

  withExamples(pool.command('list').alias('ls').description('list pools'), ['drover pool list']).action(async () => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', '/pools', PoolsView);
    if (session.isJson) return session.terminal.out(json(raw));
    if (value.items.length === 0) return session.terminal.err('No pools.\n');
    session.terminal.out(
      table(session.terminal, value.items, [
        { title: 'POOL', value: ({ path }) => path },
        { title: 'AT MOST', value: ({ quota }) => quotaWords(quota), shrinks: true },
        { title: 'IN IT', value: ({ members }) => members.map(({ kind, name }) => `${kind} ${name}`).join(', ') || '-', shrinks: true },
      ]),
    );
  });
  addChanging(pool, open);
  addMembers(pool, open);
}

function addChanging(pool: Command, open: OpenSession): void {
  const create = withQuota(pool.command('create').argument('<pool>', 'a/b is a pool inside of a')).description('make a pool');
  withExamples(create, ['drover pool create shop', 'drover pool create shop/test --guests-max 5 --memory-max 8GiB']).action(
    async (path: string, options: EditOptions) => {
      const session = open();
      const body = { path, notes: options.notes, quota: quotaOf(options) };
      const { raw } = await (await session.client()).call('POST', '/pools', PoolView, { body });
      session.terminal.out(session.isJson ? json(raw) : `Pool ${path} is there.\n`);
    },
  );

  const edit = withQuota(pool.command('edit').argument('<pool>')).description(
    'change notes and limits of a pool; "none" takes a limit away',
  );
  withExamples(edit, ['drover pool edit shop --cores-max 32 --disk-max 2TiB', 'drover pool edit shop --guests-max none']).action(
    async (path: string, options: EditOptions) => {
      const session = open();
      const client = await session.client();
      const { value: before } = await client.call('GET', pathOf(path), PoolView);
      const body = { notes: options.notes, quota: quotaOf(options, before.quota) };
      const { value, raw } = await client.call('PATCH', pathOf(path), PoolView, { body });
      session.terminal.out(session.isJson ? json(raw) : `Pool ${path} may come to: ${quotaWords(value.quota)}\n`);
    },
  );

  const remove = pool.command('delete').alias('rm').argument('<pool>').option('--yes', 'do not ask').description('remove an empty pool');
  withExamples(remove, ['drover pool delete shop/test']).action(async (path: string, options: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Remove pool ${path}, and what was granted on it?`, options.yes);
    await (await session.client()).call('DELETE', pathOf(path), z.unknown());
    session.terminal.out(session.isJson ? json({ deleted: path }) : `Pool ${path} is removed.\n`);
  });
}

function addMembers(pool: Command, open: OpenSession): void {
  const set = async (kind: string, name: string, path: string | null, done: string) => {
    const session = open();
    const { raw } = await (await session.client()).call('POST', memberPath(kind, name), SetPool, { body: { pool: path } });
    session.terminal.out(session.isJson ? json(raw) : `${done}\n`);
  };
  const put = pool.command('put').argument('<member>', 'guest, storage or network').argument('<name>', 'name or id').argument('<pool>');
  withExamples(put.description('put something into a pool, out of the one that it is in'), [
    'drover pool put guest web shop',
    'drover pool put storage local shop/test',
  ]).action((kind: string, name: string, path: string) => set(kind, name, path, `${name} is in pool ${path}.`));
  const take = pool.command('take').argument('<member>', 'guest, storage or network').argument('<name>', 'name or id');
  withExamples(take.description('take something out of its pool'), ['drover pool take guest web']).action((kind: string, name: string) =>
    set(kind, name, null, `${name} is in no pool.`),
  );
}

const withQuota = (command: Command): Command =>
  command
    .option('--notes <text>')
    .option('--guests-max <number>', 'all guests in it, and in pools inside of it')
    .option('--cores-max <number>', 'their cores together')
    .option('--memory-max <size>', 'their memory together, such as 64GiB')
    .option('--disk-max <size>', 'their disks together, such as 2TiB');
