import { afterEach, expect, it } from 'vitest';
import { checkBroker } from '../../cli/src/broker-check.ts';
import { run } from '../../cli/src/program.ts';
import { brokerKeys } from '../../control-plane/src/broker/broker-keys.ts';
import { jwtProfile } from '../../control-plane/src/broker/jwt.ts';
import { capture } from '../cli/capture.ts';
import { lightHost } from './broker.ts';
import { type Flaws, jwtStandIn, type StandIn } from './broker-stand-in.ts';

/** What `drover broker check` says of brokers that get something wrong. */

const profile = jwtProfile({ cell: 'main', now: Date.now, text: (length) => 'x'.repeat(length) }, brokerKeys(new Uint8Array(32).fill(7)));
let standIn: StandIn | null = null;
afterEach(async () => {
  await standIn?.close();
  standIn = null;
});

async function faultsOf(flaws: Flaws): Promise<string[]> {
  standIn = await jwtStandIn((await profile.setup())['drover-token-secret.base64'] ?? '', flaws);
  const { expiresAtMs: _expires, ...host } = await profile.hostLogin(lightHost());
  const findings = await checkBroker({ url: standIn.url, host, checker: await profile.checkLogin(), patienceMs: 1_500 });
  return findings.filter(({ verdict, what }) => verdict !== 'good' && what !== 'encryption').map(({ what }) => what);
}

it.each<[string, Flaws, string[]]>([
  ['loses messages, though it acknowledged them', { losesEvery: 7 }, ['deliveries']],
  ['lets hosts hear each other', { everybodyMayHearAll: true }, ['hears only itself']],
  ['lets hosts speak for each other', { everybodyMaySayAll: true }, ['speaks only for itself']],
  ['forgets last wills', { forgetsWills: true }, ['last will']],
  ['takes only small messages', { bytesMax: 65_536 }, ['payload of 128 KiB']],
])('a broker that %s is found out', async (_name, flaws, faults) => {
  expect(await faultsOf(flaws)).toEqual(expect.arrayContaining(faults));
});

it('ends with a table, what to do about each fault, and the exit code 1', async () => {
  standIn = await jwtStandIn((await profile.setup())['drover-token-secret.base64'] ?? '', {});
  const { clientId, password = '' } = await profile.checkLogin();
  const { username, password: hostPassword } = await profile.hostLogin(lightHost());
  const terminal = capture({ input: `${password}\n${hostPassword}\n` });
  const words = ['broker', 'check', standIn.url, '--username', 'drover-check', '--client-id', clientId, '--password-stdin'];
  words.push('--host-username', username, '--host-password-stdin');
  expect(await run([...words, '--patience', '2'], terminal)).toBe(1);
  expect(terminal.written.out).toMatch(/encryption +bad +mqtt:/);
  expect(terminal.written.out).toMatch(/deliveries +good +1000 of 1000 down, 1000 of 1000 up/);
  expect(terminal.written.out).toMatch(/speaks only for itself +good +yes/);
  expect(terminal.written.out).toContain('encryption: use mqtts:// or wss://');
  expect(terminal.written.err).toContain('not fit for Drover: encryption');
  const nowhere = capture();
  expect(await run(['broker', 'check', 'mqtt://127.0.0.1:1', '--json', '--patience', '1'], nowhere)).toBe(1);
  expect(JSON.parse(nowhere.written.out).findings.at(-1)).toMatchObject({ what: 'control plane connects', verdict: 'bad' });
});
