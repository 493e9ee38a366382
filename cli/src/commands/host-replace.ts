import { ReplacedHost } from '@drover/shared/api/host-views';
import type { ReplaceHost } from '@drover/shared/api/requests';
import type { Command } from 'commander';
import { json } from '../print.ts';
import { confirm, encoded, type OpenSession, withExamples } from '../session.ts';

/** A new host takes the place of one that is lost. */
export function addHostReplaceCommand(host: Command, open: OpenSession): void {
  const replace = host
    .command('replace')
    .argument('<host>', 'the one that is lost: name or id')
    .description('let a new host, which has no guests, take the place of one that is lost');
  replace
    .requiredOption('--with <host>', 'the new one: name or id')
    .option('--start', 'start those guests again that were wished running')
    .option('--dry-run', 'say what would become of each thing, and change nothing')
    .option('--yes', 'do not ask');
  withExamples(replace, ['drover host replace fra-1 --with fra-2 --dry-run', 'drover host replace fra-1 --with fra-2 --start']).action(
    async (name: string, options: { with: string; start?: boolean; dryRun?: boolean; yes?: boolean }) => {
      const session = open();
      const client = await session.client();
      const ask = (dryRun: boolean) => {
        const body: ReplaceHost = { with: options.with, start: options.start ?? false, dryRun };
        return client.call('POST', `/hosts/${encoded(name)}/replace`, ReplacedHost, { body });
      };
      const planned = await ask(true);
      if (options.dryRun && session.isJson) return session.terminal.out(json(planned.raw));
      if (options.dryRun) return session.terminal.out(statement(planned.value));
      session.terminal.err(statement(planned.value));
      await confirm(session, `Replace host ${planned.value.from.name} by ${planned.value.to.name}?`, options.yes);
      const { value, raw } = await ask(false);
      const done = `Host ${value.to.name} takes the place of ${value.from.name}, which is forgotten.\n`;
      session.terminal.out(session.isJson ? json(raw) : done);
    },
  );
}

/** What becomes of each thing, in sentences. */
export function statement({ from, to, guests, images, storages, networks }: ReplacedHost): string {
  const lines = [
    `${from.name} is forgotten: should its machine come back, it is not let in, and what runs there is not known here.`,
    ...storages.map(({ name, isThere }) =>
      isThere ? `storage ${name}: as ${to.name} has it` : `storage ${name}: with the settings that it had`,
    ),
    ...networks.map(({ name, isThere }) =>
      isThere ? `network ${name}: as ${to.name} has it` : `network ${name}: with the settings that it had`,
    ),
    ...images.map(({ name, form, becomes }) => `image ${name} (${form}): ${IMAGES[becomes]}`),
    ...guests.map(({ id, name, starts, disks }) => {
      const begin = disks.map((disk) => `${disk.name} ${disk.image === null ? 'empty' : `from ${disk.image}`}`).join(', ');
      return `guest ${name} (${id}): ${starts ? 'started once it is made' : 'off until somebody starts it'}; disks that are not there: ${begin}`;
    }),
    ...(guests.length === 0 ? ['It had no guests.'] : ['What was on disks comes back only where its storage is on the new machine.']),
  ];
  return `${lines.join('\n')}\n`;
}

const IMAGES = {
  'there': 'the one that is there',
  'made-anew': 'made anew',
  'upload-again': 'was sent in, and has to be again; what needs it waits',
} as const;
