import { AffectedGuestsView, BegunView, UpgradesView } from '@drover/shared/api/upgrades';
import { HostView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import type { Client } from '../client.ts';
import { CliError } from '../error.ts';
import { colourOfState, json, table } from '../print.ts';
import { confirm, encoded, type OpenSession, type Session, type WaitChoice, withExamples } from '../session.ts';
import { ownName } from '../terminal.ts';
import { waitForTask } from '../wait.ts';

/** What is done to hosts themselves: upgrade of the agent, reboot, shutdown. */
export function addHostUpkeepCommands(host: Command, open: OpenSession): void {
  addUpgrade(host, open);
  for (const { verb, action, description, asks, examples } of POWER) {
    const command = host.command(verb).argument('<host>', 'name or id').description(description);
    command.option('--yes', 'do not ask').option('--wait', 'wait until it is done');
    withExamples(command, examples).action(async (name: string, options: WaitChoice & { yes?: boolean }) => {
      const session = open();
      const client = await session.client();
      const { value } = await client.call('GET', `/hosts/${encoded(name)}`, HostView);
      await sayAffected(session, client, value, action);
      await confirm(session, `${asks} host ${value.name}?`, options.yes);
      const answer = await client.call('POST', `/hosts/${encoded(value.id)}/power`, BegunView, { body: { action } });
      await followed(session, client, answer, options);
    });
  }
}

const POWER = [
  {
    verb: 'reboot',
    action: 'reboot',
    description: 'reboot a host, after its guests were shut down',
    asks: 'Reboot',
    examples: ['drover host reboot fra-1 --wait'],
  },
  {
    verb: 'shutdown',
    action: 'shutdown',
    description: 'switch a host off, after its guests were shut down',
    asks: 'Switch off',
    examples: ['drover host shutdown fra-1'],
  },
] as const;

async function sayAffected({ terminal }: Session, client: Client, host: HostView, action: 'reboot' | 'shutdown'): Promise<void> {
  const { items } = (await client.call('GET', `/hosts/${encoded(host.id)}/affected`, AffectedGuestsView)).value;
  const running = items.filter(({ power }) => power !== 'stopped');
  if (running.length === 0) return terminal.err(`No guest runs on ${host.name}.\n`);
  const [back, not] = [running.filter(({ comesBack }) => comesBack), running.filter(({ comesBack }) => !comesBack)];
  const names = (guests: typeof items) => guests.map(({ name }) => name).join(', ');
  const again = action === 'reboot' ? 'start again' : 'start again when it is switched on';
  if (back.length > 0) terminal.err(`Shut down, and ${again}: ${names(back)}\n`);
  if (not.length > 0) terminal.err(`Shut down, and stay so, as they do not start at boot: ${names(not)}\n`);
}

function addUpgrade(host: Command, open: OpenSession): void {
  const upgrade = host
    .command('upgrade')
    .argument('[host...]', 'names or ids')
    .description("upgrade agents to this control plane's version; guests run on");
  upgrade
    .option('--tag <tag>', 'all hosts with this tag')
    .option('--all', 'all hosts: one first, then a tenth, then the rest')
    .option('--dry-run', 'only show which would be upgraded')
    .option('--wait', 'wait until it is done');
  withExamples(upgrade, [
    'drover host upgrade --all --dry-run',
    'drover host upgrade fra-1 --wait',
    'drover host upgrade --tag edge',
  ]).action(async (names: string[], options: WaitChoice & { tag?: string; all?: boolean; dryRun?: boolean }) => {
    const session = open();
    const chosen = [names.length > 0, options.tag !== undefined, options.all === true].filter(Boolean).length;
    if (chosen !== 1 && !(options.dryRun && chosen === 0)) {
      throw new CliError('usage', 'which hosts? Their names, or --tag, or --all', { suggestion: 'drover host upgrade --all --dry-run' });
    }
    const client = await session.client();
    if (options.dryRun) return show(session, client, names, options.tag);
    const body = names.length > 0 ? { hosts: names } : options.tag === undefined ? { all: true } : { tag: options.tag };
    await followed(session, client, await client.call('POST', '/upgrades', BegunView, { body }), options);
  });
}

async function show(session: Session, client: Client, names: readonly string[], tag: string | undefined): Promise<void> {
  const query = tag === undefined ? '' : `?tag=${encodeURIComponent(tag)}`;
  const { value, raw } = await client.call('GET', `/upgrades${query}`, UpgradesView);
  if (session.isJson) return session.terminal.out(json(raw));
  const { release } = value;
  const hosts = names.length === 0 ? value.hosts : value.hosts.filter(({ id, name }) => names.includes(id) || names.includes(name));
  session.terminal.err(`This control plane has drover-agent ${release.version}.\n`);
  session.terminal.out(
    table(session.terminal, hosts, [
      { title: 'HOST', value: ({ name }) => name, shrinks: true },
      { title: 'AGENT', value: ({ version, build }) => (version === null ? '-' : `${version}${build === null ? '' : ` (${build})`}`) },
      { title: 'UPGRADE', value: ({ state }) => WORDS[state], colour: ({ state }) => colourOfState(WORDS[state]) },
      { title: 'WHY', value: ({ reason }) => reason ?? '', shrinks: true },
    ]),
  );
}

const WORDS = { current: 'up to date', available: 'would be done', blocked: 'by hand', away: 'away' } as const;

async function followed(
  session: Session,
  client: Client,
  { value: { task }, raw }: { readonly value: BegunView; readonly raw: unknown },
  { wait }: WaitChoice,
): Promise<void> {
  const { terminal } = session;
  if (!wait) {
    return terminal.out(session.isJson ? json(raw) : `${task.title}: begun. To follow it: ${ownName(terminal)} task follow ${task.id}\n`);
  }
  const ended = await waitForTask(client, terminal, task.id, { verbose: session.isVerbose });
  if (session.isJson) terminal.out(json({ task: ended.raw }));
}
