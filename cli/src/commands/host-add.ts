import { EnrolmentTokensView, EnrolmentView, HostView } from '@drover/shared/api/views';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Client } from '../client.ts';
import { CliError } from '../error.ts';
import { follow } from '../events.ts';
import { json } from '../print.ts';
import { encoded, type OpenSession, type Session, withExamples } from '../session.ts';
import { joinBySsh, refuseDestination } from '../ssh-join.ts';
import { formatTime, parseWhole } from '../units.ts';

const CONNECT_MS = 300_000;

interface Options {
  readonly name?: string;
  readonly clone?: boolean;
  readonly cloudInit?: boolean;
  readonly ssh?: string;
  readonly port?: string;
  readonly dryRun?: boolean;
}

export function addHostAddCommand(host: Command, open: OpenSession): void {
  const add = host
    .command('add')
    .description('let a new host in: prints what to type on it, or does so over ssh')
    .option('--name <name>', 'what it shall be called')
    .option('--cloud-init', 'user data for a machine that is still to be made')
    .option('--ssh <user@host>', 'do it there now, by this machine’s ssh')
    .option('--port <number>', 'with --ssh: the port of its ssh server')
    .option('--dry-run', 'with --ssh: only show what would be done')
    .option('--clone', 'for a machine with a clone of Drover, which then runs the agent in the foreground');
  withExamples(add, [
    'drover host add --name fra-2',
    'drover host add --ssh root@192.0.2.7 --name fra-2',
    'drover host add --cloud-init > user-data',
  ]).action(async (options: Options) => {
    const session = open();
    if ([options.clone, options.cloudInit, options.ssh].filter(Boolean).length > 1)
      throw new CliError('usage', 'one of --ssh, --cloud-init and --clone');
    if (options.ssh === undefined && (options.port !== undefined || options.dryRun))
      throw new CliError('usage', '--port and --dry-run belong to --ssh');
    if (options.ssh === undefined) await print(session, options);
    else await addBySsh(session, options.ssh, options);
  });
}

const mint = (client: Client, name: string | undefined) => client.call('POST', '/hosts/enrolments', EnrolmentView, { body: { name } });

async function print(session: Session, options: Options): Promise<void> {
  const { terminal } = session;
  const { value, raw } = await mint(await session.client(), options.name);
  if (session.isJson) return terminal.out(json(raw));
  const until = formatTime(value.expiresAtMs);
  if (options.cloudInit) {
    terminal.err(`User data for one machine that boots before ${until}:\n`);
    terminal.out(value.cloudInit);
  } else {
    const [line, where] = options.clone ? [value.cloneCommand, 'as root, in a clone of Drover,'] : [value.command, 'a Debian 12 or 13,'];
    terminal.err(`Type this on the new host, ${where} before ${until}; it is good for one host:\n`);
    terminal.out(`${line}\n`);
  }
  noteLocalhost(session, value.url);
}

function noteLocalhost({ terminal }: Session, url: string): void {
  if (/:\/\/(localhost|127\.0\.0\.1|\[::1\])/.test(url))
    terminal.err('On the new host, localhost would be itself: write the address of this machine there instead.\n');
}

async function addBySsh(session: Session, destination: string, options: Options): Promise<void> {
  const { terminal } = session;
  refuseDestination(destination);
  const port = options.port === undefined ? undefined : parseWhole(options.port, '--port', { min: 1, max: 65_535 });
  const client = await session.client();
  const { value: enrolment } = await mint(client, options.name);
  const takeBack = () => client.call('DELETE', `/hosts/enrolments/${enrolment.id}`, z.null()).catch(() => undefined);
  noteLocalhost(session, enrolment.url);
  try {
    await joinBySsh({ destination, port, url: enrolment.url, token: enrolment.token, dryRun: options.dryRun === true }, terminal);
  } catch (thrown) {
    // Nobody shall come in by what lies about.
    await takeBack();
    throw thrown;
  }
  if (options.dryRun) return void (await takeBack());
  const { value, raw } = await untilConnected(client, enrolment.id);
  terminal.out(session.isJson ? json(raw) : `Host ${value.name} is connected.\n`);
}

/** The host that came in by this enrolment, as soon as it is connected: looks again after each change of a host. */
async function untilConnected(client: Client, enrolmentId: string) {
  const signal = AbortSignal.timeout(CONNECT_MS);
  for await (const event of follow(client, signal)) {
    if (event.do === 'lost' || (event.do === 'change' && event.change.kind !== 'host')) continue;
    const { items } = (await client.call('GET', '/hosts/enrolments', EnrolmentTokensView)).value;
    const hostId = items.find(({ id }) => id === enrolmentId)?.usedByHostId;
    if (!hostId) continue;
    const answer = await client.call('GET', `/hosts/${encoded(hostId)}`, HostView);
    if (answer.value.connected) return answer;
  }
  throw new CliError('failed', `the host was set up, but has not connected within ${CONNECT_MS / 60_000} minutes`, {
    suggestion: 'on the host: journalctl -u drover-agent',
  });
}
