import { readFileSync } from 'node:fs';
import { type CheckLogins, CheckLoginsView } from '@drover/shared/api/cells';
import type { Command } from 'commander';
import type { Finding } from '../broker-check.ts';
import { CliError } from '../error.ts';
import { json, table } from '../print.ts';
import { readSecret, refuseAsArgument } from '../secret-input.ts';
import { encoded, type OpenSession, withExamples } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { parseWhole } from '../units.ts';

interface CheckWords {
  readonly cell?: string;
  readonly username?: string;
  readonly passwordStdin?: boolean;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly clientId?: string;
  readonly hostUsername?: string;
  readonly hostPasswordStdin?: boolean;
  readonly hostCert?: string;
  readonly hostKey?: string;
  readonly qos: string;
  readonly patience: string;
}

export function addBrokerCommands(program: Command, open: OpenSession): void {
  const broker = program.command('broker').description('MQTT brokers other than the one in the control plane');
  withExamples(broker, ['drover broker check --cell eu']);

  const check = broker
    .command('check')
    .argument('[url]', 'mqtts://, wss://, mqtt:// or ws://')
    .description('is a broker fit for Drover? Sends and counts messages, tries what is forbidden, breaks a connection')
    .option('--cell <cell>', 'a cell of this fleet: address and logins come from the control plane')
    .option('--username <name>', 'as one who may read and write drover/v1/check/#')
    .option('--password-stdin', 'its password is a line of standard input')
    .option('--cert <file>', 'PEM')
    .option('--key <file>', 'PEM')
    .option('--ca <file>', 'PEM: who has issued the broker’s certificate, unless a public authority')
    .option('--client-id <id>')
    .option('--host-username <name>', 'as a host of that name')
    .option('--host-password-stdin', 'its password is a line of standard input, behind the other one')
    .option('--host-cert <file>', 'PEM')
    .option('--host-key <file>', 'PEM')
    .option('--qos <qos>', 'to subscribe with: 0 for NATS', '1')
    .option('--patience <seconds>', 'how long to wait for what should come', '10');
  for (const option of ['--password', '--host-password']) refuseAsArgument(check, option, `${option}-stdin`);
  withExamples(check, [
    'drover broker check --cell eu',
    'drover broker check mqtts://mqtt.example.org:8883 --username admin   # asks for the password',
    'drover broker check mqtts://mqtt.example.org:8883 --username admin --password-stdin <password.txt',
    'drover broker check mqtts://mqtt.example.org:8883 --ca ca.crt --cert check.crt --key check.key --host-username h1 --host-cert h1.crt --host-key h1.key',
  ]).action(async (url: string | undefined, words: CheckWords) => {
    const session = open();
    const patienceMs = parseWhole(words.patience, '--patience', { min: 1, max: 600 }) * 1_000;
    const logins = words.cell === undefined ? await loginsOf(session.terminal, url, words) : await loginsOfCell(words.cell);
    const { checkBroker } = await import('../broker-check.ts');
    const findings = await checkBroker({ ...logins, url: url ?? logins.url, patienceMs });
    session.terminal.out(session.isJson ? json({ url: url ?? logins.url, findings }) : findingsTable(findings));
    const bad = findings.filter(({ verdict }) => verdict === 'bad');
    if (bad.length > 0) throw new CliError('failed', `This broker is not fit for Drover: ${bad.map(({ what }) => what).join(', ')}.`);

    async function loginsOfCell(cell: string): Promise<CheckLogins> {
      return (await (await session.client()).call('POST', `/cells/${encoded(cell)}/check-logins`, CheckLoginsView, { body: {} })).value;
    }
    function findingsTable(all: readonly Finding[]): string {
      const fixes = all.flatMap(({ what, fix }) => (fix === null ? [] : [`${what}: ${fix}\n`]));
      return (
        table(session.terminal, all, [
          { title: 'WHAT', value: ({ what }) => what },
          {
            title: 'VERDICT',
            value: ({ verdict }) => verdict,
            colour: ({ verdict }) => (({ good: 'green', bad: 'red', unknown: 'yellow' }) as const)[verdict],
          },
          { title: 'SEEN', value: ({ detail }) => detail, shrinks: true },
        ]) + (fixes.length > 0 ? `\n${fixes.join('')}` : '')
      );
    }
  });
}

async function loginsOf(
  terminal: Terminal,
  url: string | undefined,
  words: CheckWords,
): Promise<Omit<CheckLogins, 'host'> & { host: CheckLogins['host'] | null }> {
  if (url === undefined) throw new CliError('usage', 'Which broker? Give its address, or --cell with the name of a cell.');
  const { username = 'drover-check', clientId = username } = words;
  const subQos = words.qos === '0' ? 0 : 1;
  const authority = words.ca === undefined ? {} : { authority: read(words.ca) };
  const login = (name: string, id: string, password?: string, cert?: string, key?: string): CheckLogins['checker'] => ({
    username: name,
    clientId: id,
    subQos,
    ...authority,
    ...(password === undefined ? {} : { password }),
    ...(cert === undefined ? {} : { certificate: read(cert) }),
    ...(key === undefined ? {} : { key: read(key) }),
  });
  const { hostUsername } = words;
  // Whoever has a certificate, or gives no name, needs no password.
  const passwordOf = async (name: string | undefined, flag: string, fromInput?: boolean, cert?: string) =>
    fromInput || (name !== undefined && cert === undefined)
      ? ((await readSecret(terminal, { fromInput, name: `Password of ${name ?? username}`, flag })) ?? undefined)
      : undefined;
  const password = await passwordOf(words.username, '--password-stdin', words.passwordStdin, words.cert);
  const hostPassword = await passwordOf(hostUsername, '--host-password-stdin', words.hostPasswordStdin, words.hostCert);
  return {
    url,
    checker: login(username, clientId, password, words.cert, words.key),
    host: hostUsername === undefined ? null : login(hostUsername, hostUsername, hostPassword, words.hostCert, words.hostKey),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CliError('usage', `${path} cannot be read.`, { cause });
  }
}
