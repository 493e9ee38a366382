import { accepted, GuestView, PoweredGuests } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Client } from '../client.ts';
import { CliError } from '../error.ts';
import { json } from '../print.ts';
import { encoded, listAll, type OpenSession, type Session, settle, type WaitChoice, withExamples } from '../session.ts';
import { waitForTask } from '../wait.ts';

const Accepted = accepted(GuestView);
const RawItems = z.object({ items: z.array(z.unknown()) });
const AT_ONCE = 1_000;
const GUESTS_MAX = 100_000;

const POWER = [
  {
    verb: 'start',
    description: 'start guests',
    done: 'runs',
    examples: ['drover guest start web --wait', 'drover guest start web db', 'drover guest start --tag shop --wait'],
  },
  {
    verb: 'shutdown',
    description: 'ask guests to shut down',
    done: 'is shut down',
    examples: ['drover guest shutdown web --wait', 'drover guest shutdown --tag test'],
  },
  { verb: 'stop', description: 'end guests now, as by pulling the plug', done: 'is stopped', examples: ['drover guest stop web'] },
] as const;

/** start, shutdown, stop: of one guest, or of many in one request; and reboot. */
export function addPowerCommands(guest: Command, open: OpenSession): void {
  for (const { verb, description, done, examples } of POWER) {
    const command = guest.command(verb).argument('[guest...]', 'names or ids').description(description);
    command.option('--tag <tag>', 'all guests with this tag').option('--wait', 'wait until it is done');
    withExamples(command, examples).action(async (names: string[], options: WaitChoice & { tag?: string }) => {
      const session = open();
      if (names.length === 0 && options.tag === undefined) {
        throw new CliError('usage', `which guests? Their names, or --tag`, { suggestion: examples[0] });
      }
      const client = await session.client();
      const [only, ...others] = [...names, ...(await tagged(client, options.tag))];
      if (only === undefined) throw new CliError('not-found', `no guest has the tag ${options.tag}`);
      if (others.length === 0) await powerOne(session, client, only, verb, {}, { ...options, done });
      else await powerMany(session, client, [only, ...others], verb, { ...options, done });
    });
  }
  const reboot = guest.command('reboot').argument('<guest...>', 'names or ids').description('reboot guests');
  reboot.option('--force', 'at once, without asking the guest').option('--wait', 'wait until it is done');
  withExamples(reboot, ['drover guest reboot db --wait']).action(async (names: string[], options: WaitChoice & { force?: boolean }) => {
    const session = open();
    const client = await session.client();
    const body = { force: options.force === true };
    for (const name of names) await powerOne(session, client, name, 'reboot', body, { ...options, done: 'has rebooted' });
  });
}

type Choice = WaitChoice & { readonly done: string };

async function tagged(client: Client, tag: string | undefined): Promise<string[]> {
  if (tag === undefined) return [];
  const { items } = await listAll(client, '/guests', GuestView, { tag }, GUESTS_MAX);
  return items.map(({ id }) => String(id));
}

async function powerOne(session: Session, client: Client, name: string, verb: string, body: object, { done, ...choice }: Choice) {
  const path = `/guests/${encoded(name)}`;
  const answer = await client.call('POST', `${path}/${verb}`, Accepted, { body });
  await settle(session, client, answer, { ...choice, path, done: `Guest ${answer.value.resource.name} ${done}.` });
}

/** All are begun before the first is waited for. What could not be is told at the end, when the rest is done. */
async function powerMany(session: Session, client: Client, names: readonly string[], verb: string, { done, wait }: Choice) {
  const { terminal } = session;
  const items: PoweredGuests['items'] = [];
  const raw: unknown[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const answer = await client.call('POST', `/guests/${verb}`, PoweredGuests, { body: { guests: names.slice(from, from + AT_ONCE) } });
    items.push(...answer.value.items);
    raw.push(...RawItems.parse(answer.raw).items);
  }
  const failures = items.flatMap(({ asked, problem }) => (problem ? [`${asked}: ${problem.detail}`] : []));
  for (const { task } of items) {
    if (!task) continue;
    if (!wait) {
      if (!session.isJson) terminal.out(`${task.title}: begun\n`);
      continue;
    }
    await waitForTask(client, terminal, task.id, { verbose: session.isVerbose }).then(
      () => session.isJson || terminal.out(`Guest ${task.target.name} ${done}.\n`),
      (error: unknown) => {
        if (!(error instanceof CliError)) throw error;
        failures.push(`${task.target.name}: ${error.message}`);
      },
    );
  }
  if (session.isJson) terminal.out(json({ items: raw }));
  if (failures.length > 0) throw new CliError('failed', `${failures.length} of ${names.length} guests: ${failures.join('; ')}`);
}
