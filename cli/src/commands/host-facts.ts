import { HardwareView, HostFiguresView } from '@drover/shared/api/host-views';
import type { EditHost } from '@drover/shared/api/requests';
import { HostView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import type { Client } from '../client.ts';
import { CliError } from '../error.ts';
import { follow } from '../events.ts';
import { figuresFacts, hardwareFacts, hostFacts } from '../host-print.ts';
import { json } from '../print.ts';
import { encoded, type OpenSession, withExamples } from '../session.ts';
import { parseWhole } from '../units.ts';

const pathOf = (host: string): string => `/hosts/${encoded(host)}`;
const collect = (value: string, earlier: readonly string[] = []): string[] => [...earlier, value];

/** What a host is, how it is doing, and what is wished of it. */
export function addHostFactsCommands(host: Command, open: OpenSession): void {
  addShow(host, open);
  addFigures(host, open);
  addEdit(host, open);
}

function addShow(host: Command, open: OpenSession): void {
  const show = host.command('show').argument('<host>', 'name or id').description('show one host: what it is, can do, and how it is doing');
  show.option('--hardware', 'its disks with their health, network cards, devices, NUMA nodes and processor flags');
  withExamples(show, ['drover host show fra-1', 'drover host show fra-1 --hardware', 'drover host show fra-1 --json']).action(
    async (name: string, options: { hardware?: boolean }) => {
      const session = open();
      const client = await session.client();
      if (options.hardware) {
        const { value, raw } = await client.call('GET', `${pathOf(name)}/hardware`, HardwareView);
        return session.terminal.out(session.isJson ? json(raw) : hardwareFacts(session.terminal, value));
      }
      const { value, raw } = await client.call('GET', pathOf(name), HostView);
      if (session.isJson) return session.terminal.out(json(raw));
      const figures = await client.call('GET', `${pathOf(value.id)}/figures`, HostFiguresView);
      session.terminal.out(hostFacts(session.terminal, value, figures.value, Date.now()));
    },
  );
}

function addFigures(host: Command, open: OpenSession): void {
  const figures = host
    .command('figures')
    .argument('<host>', 'name or id')
    .description('how a host and its guests are doing: load, memory, pressure, disks, network');
  figures.option('--watch', 'show them anew as they come, until Ctrl+C');
  withExamples(figures, ['drover host figures fra-1', 'drover host figures fra-1 --watch', 'drover host figures fra-1 --json']).action(
    async (name: string, options: { watch?: boolean }) => {
      const session = open();
      const client = await session.client();
      const show = (value: HostFiguresView, raw: unknown): void =>
        session.terminal.out(session.isJson ? json(raw) : figuresFacts(session.terminal, value));
      if (!options.watch) {
        const { value, raw } = await client.call('GET', `${pathOf(name)}/figures`, HostFiguresView);
        return show(value, raw);
      }
      let isFirst = true;
      for await (const told of figuresOf(client, name)) {
        if (!isFirst && !session.isJson) session.terminal.out('\n');
        isFirst = false;
        show(told, told);
      }
    },
  );
}

async function* figuresOf(client: Client, host: string): AsyncGenerator<HostFiguresView> {
  const never = new AbortController();
  for await (const live of follow(client, never.signal, { figures: host })) if (live.do === 'figures') yield live.figures;
}

interface EditOptions {
  readonly tag?: readonly string[];
  readonly tags?: boolean;
  readonly location?: string;
  readonly notes?: string;
  readonly startDelay?: string;
  readonly maintenance?: boolean;
}

function addEdit(host: Command, open: OpenSession): void {
  const edit = host
    .command('edit')
    .argument('<host>', 'name or id')
    .description('change what is wished of a host; only what is named changes');
  edit
    .option('--tag <tag>', 'these tags instead of those it has; may be given more than once', collect)
    .option('--no-tags', 'take all its tags away')
    .option('--location <text>', 'where it stands; empty: nowhere in particular')
    .option('--notes <text>', 'for people; empty: none')
    .option('--start-delay <seconds>', 'after it has booted, before its guests are started by themselves')
    .option('--maintenance', 'place no new guest there unasked; those that are there stay')
    .option('--no-maintenance', 'place guests there again');
  withExamples(edit, [
    'drover host edit fra-1 --tag edge --location "rack 4"',
    'drover host edit fra-1 --start-delay 30',
    'drover host edit fra-1 --maintenance',
  ]).action(async (name: string, options: EditOptions) => {
    const session = open();
    const body = editRequest(options);
    const { value, raw } = await (await session.client()).call('PATCH', pathOf(name), HostView, { body });
    session.terminal.out(session.isJson ? json(raw) : `Host ${value.name} is changed.\n`);
  });
}

export function editRequest(options: EditOptions): EditHost {
  if (options.tag && options.tags === false)
    throw new CliError('usage', '--tag and --no-tags contradict each other', { suggestion: 'leave one of them out' });
  const body: EditHost = {
    ...(options.tag ? { tags: [...options.tag] } : options.tags === false ? { tags: [] } : {}),
    ...(options.location === undefined ? {} : { location: options.location }),
    ...(options.notes === undefined ? {} : { notes: options.notes }),
    ...(options.startDelay === undefined ? {} : { startDelayS: parseWhole(options.startDelay, '--start-delay', { min: 0, max: 3_600 }) }),
    ...(options.maintenance === undefined ? {} : { maintenance: options.maintenance }),
  };
  if (Object.keys(body).length === 0)
    throw new CliError('usage', 'nothing to change was named', { suggestion: 'drover host edit --help shows what can be' });
  return body;
}
