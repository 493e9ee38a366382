import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CellFilesView, CellsView, CellView } from '@drover/shared/api/cells';
import { HostView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { z } from 'zod';
import { json, table } from '../print.ts';
import { confirm, encoded, type OpenSession, withExamples } from '../session.ts';

const pathOf = (cell: string): string => `/cells/${encoded(cell)}`;

/** Cells: brokers, and which hosts are on which. */
export function addCellCommands(program: Command, open: OpenSession): void {
  const cell = program.command('cell').description('brokers, and which hosts are on which');
  withExamples(cell, [
    'drover cell list',
    'drover cell add eu --profile mosquitto --url mqtts://mqtt.example.org:8883',
    'drover cell move fra-1 eu',
  ]);

  const list = cell.command('list').alias('ls').description('list cells');
  withExamples(list, ['drover cell list']).action(async () => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', '/cells', CellsView);
    session.terminal.out(
      session.isJson
        ? json(raw)
        : table(session.terminal, value.items, [
            { title: 'NAME', value: ({ name }) => name },
            { title: 'BROKER', value: ({ profile }) => profile },
            { title: 'STATE', value: ({ reached, draining }) => `${reached ? 'reached' : 'not reached'}${draining ? ', draining' : ''}` },
            { title: 'HOSTS', value: ({ hosts, connectedHosts }) => `${connectedHosts}/${hosts}`, align: 'right' },
            { title: 'ADDRESS', value: ({ urls }) => urls.join(', ') || 'the control plane', shrinks: true },
          ]),
    );
  });

  const add = cell
    .command('add')
    .argument('<name>')
    .description('add a broker that the control plane is to use')
    .requiredOption('--profile <profile>', 'how it knows who is who: mosquitto, nats or jwt')
    .requiredOption('--url <url...>', 'where agents reach it: mqtts://… or wss://…; several are tried in order')
    .option('--own-url <url>', 'where the control plane reaches it, when elsewhere')
    .option('--admin-url <url>', 'NATS only: its own protocol, tls://…')
    .option('--public-certificate', 'the broker shows a certificate of a public authority, not one by Drover');
  withExamples(add, [
    'drover cell add eu --profile mosquitto --url mqtts://mqtt.example.org:8883',
    'drover cell add us --profile nats --url mqtts://nats.example.org:8883 --admin-url tls://nats.example.org:4222',
    'drover cell add asia --profile jwt --url mqtts://emqx.example.org:8883 --public-certificate',
  ]).action(
    async (name: string, options: { profile: string; url: string[]; ownUrl?: string; adminUrl?: string; publicCertificate?: boolean }) => {
      const session = open();
      const { profile, url: urls, ownUrl, adminUrl } = options;
      const serverCertificate = options.publicCertificate ? 'public' : 'fleet';
      const body = { name, profile, urls, ownUrl, adminUrl, serverCertificate };
      const { raw } = await (await session.client()).call('POST', '/cells', CellView, { body });
      session.terminal.out(session.isJson ? json(raw) : `Cell ${name} is there. drover cell setup ${name} writes what its broker needs.\n`);
    },
  );

  const setup = cell
    .command('setup')
    .argument('<cell>')
    .description('write the files that its broker is set up with; some are secret')
    .option('--out <folder>', 'where to', '.');
  withExamples(setup, ['drover cell setup eu --out /etc/mosquitto/drover']).action(async (name: string, { out }: { out: string }) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', `${pathOf(name)}/setup`, CellFilesView);
    if (session.isJson) return session.terminal.out(json(raw));
    mkdirSync(out, { recursive: true });
    for (const [file, text] of Object.entries(value.files)) {
      // Names come from the control plane: they stay in the folder.
      const path = join(out, file.replaceAll(/[^a-z0-9.-]/gi, '_'));
      writeFileSync(path, text, { mode: /\.(key|base64|conf)$/.test(file) ? 0o600 : 0o644 });
      session.terminal.out(`${path}\n`);
    }
  });

  const drain = cell
    .command('drain')
    .argument('<cell>')
    .description('move all its hosts to other cells, a hundred each second, and give it no new ones')
    .option('--undo', 'use it again');
  withExamples(drain, ['drover cell drain eu', 'drover cell drain eu --undo']).action(async (name: string, options: { undo?: boolean }) => {
    const session = open();
    const body = { draining: !options.undo };
    const { raw } = await (await session.client()).call('POST', `${pathOf(name)}/drain`, CellView, { body });
    session.terminal.out(
      session.isJson
        ? json(raw)
        : options.undo
          ? `Cell ${name} is used again.\n`
          : `Cell ${name} gives its hosts away. drover cell list shows how far it is.\n`,
    );
  });

  const move = cell.command('move').argument('<host>', 'name or id').argument('<cell>').description('move a host to another cell');
  withExamples(move, ['drover cell move fra-1 eu']).action(async (host: string, name: string) => {
    const session = open();
    const path = `/hosts/${encoded(host)}/move`;
    const { value, raw } = await (await session.client()).call('POST', path, HostView, { body: { cell: name } });
    session.terminal.out(session.isJson ? json(raw) : `Host ${value.name} comes back in cell ${value.cell} within seconds.\n`);
  });

  const remove = cell.command('remove').argument('<cell>').description('remove a cell that has no hosts').option('--yes', 'do not ask');
  withExamples(remove, ['drover cell remove eu']).action(async (name: string, options: { yes?: boolean }) => {
    const session = open();
    await confirm(session, `Remove cell ${name}?`, options.yes);
    await (await session.client()).call('DELETE', pathOf(name), z.null());
    session.terminal.out(session.isJson ? json({ removed: name }) : `Cell ${name} is removed.\n`);
  });
}
