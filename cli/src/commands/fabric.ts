import { NetworkView, StorageView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { colourOfState, facts, json, table } from '../print.ts';
import { encoded, listAll, noteRest, type OpenSession, withExamples } from '../session.ts';
import { formatBytes } from '../units.ts';

const LIMIT = 10_000;
const stateOf = (thing: StorageView | NetworkView): string => (thing.problem ? 'failed' : thing.ready ? 'ready' : 'waiting');
const settings = (config: Readonly<Record<string, unknown>>): string =>
  Object.entries(config)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');

/** Storages and networks: what hosts offer to guests. */
export function addFabricCommands(program: Command, open: OpenSession): void {
  addStorage(program, open);
  addNetwork(program, open);
}

function addStorage(program: Command, open: OpenSession): void {
  const storage = program.command('storage').description('where disks and images lie');
  withExamples(storage, ['drover storage list', 'drover storage show local']);
  withExamples(storage.command('list').alias('ls').description('list storages'), ['drover storage list --json']).action(async () => {
    const session = open();
    const { terminal } = session;
    const listed = await listAll(await session.client(), '/storages', StorageView, {}, LIMIT);
    if (session.isJson) return terminal.out(json(listed.raw));
    if (listed.items.length === 0) return terminal.err('No storages.\n');
    terminal.out(
      table(terminal, listed.items, [
        { title: 'NAME', value: (row) => row.name, shrinks: true },
        { title: 'HOST', value: (row) => row.host.name, shrinks: true },
        { title: 'DRIVER', value: (row) => row.driver },
        { title: 'STATE', value: stateOf, colour: (row) => colourOfState(stateOf(row)) },
        { title: 'FREE', value: (row) => bytesOr(row.freeBytes), align: 'right' },
        { title: 'TOTAL', value: (row) => bytesOr(row.totalBytes), align: 'right' },
      ]),
    );
    noteRest(session, listed);
  });
  const show = storage.command('show').argument('<storage>', 'name or id').description('show one storage');
  withExamples(show, ['drover storage show local']).action(async (name: string) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', `/storages/${encoded(name)}`, StorageView);
    if (session.isJson) return session.terminal.out(json(raw));
    session.terminal.out(
      facts(session.terminal, [
        ...common(value),
        ['free', value.freeBytes === null ? null : `${bytesOr(value.freeBytes)} of ${bytesOr(value.totalBytes)}`],
        ['settings', settings(value.config)],
      ]),
    );
  });
}

function addNetwork(program: Command, open: OpenSession): void {
  const network = program.command('network').description('what guests are plugged into');
  withExamples(network, ['drover network list', 'drover network show default']);
  withExamples(network.command('list').alias('ls').description('list networks'), ['drover network list --json']).action(async () => {
    const session = open();
    const { terminal } = session;
    const listed = await listAll(await session.client(), '/networks', NetworkView, {}, LIMIT);
    if (session.isJson) return terminal.out(json(listed.raw));
    if (listed.items.length === 0) return terminal.err('No networks.\n');
    terminal.out(
      table(terminal, listed.items, [
        { title: 'NAME', value: (row) => row.name, shrinks: true },
        { title: 'HOST', value: (row) => row.host.name, shrinks: true },
        { title: 'DRIVER', value: (row) => row.driver },
        { title: 'STATE', value: stateOf, colour: (row) => colourOfState(stateOf(row)) },
        { title: 'SETTINGS', value: (row) => settings(row.config).replaceAll('\n', ', '), shrinks: true },
      ]),
    );
    noteRest(session, listed);
  });
  const show = network.command('show').argument('<network>', 'name or id').description('show one network');
  withExamples(show, ['drover network show default']).action(async (name: string) => {
    const session = open();
    const { value, raw } = await (await session.client()).call('GET', `/networks/${encoded(name)}`, NetworkView);
    if (session.isJson) return session.terminal.out(json(raw));
    session.terminal.out(facts(session.terminal, [...common(value), ['settings', settings(value.config)]]));
  });
}

function common(thing: StorageView | NetworkView): [string, string | null][] {
  return [
    ['name', thing.name],
    ['id', thing.id],
    ['host', thing.host.name],
    ['driver', thing.driver],
    ['state', stateOf(thing)],
    ['now', thing.activity?.title ?? (thing.waitingFor === null ? null : `waiting for ${thing.waitingFor}`)],
    ['problem', thing.problem?.detail ?? null],
  ];
}

const bytesOr = (bytes: number | null): string => (bytes === null ? '-' : formatBytes(bytes));
