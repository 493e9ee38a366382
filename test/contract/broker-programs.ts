import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Real brokers, set up with the files of infra/brokers as a user would do it, on free ports of loopback. */

const START_MS = 15_000;
const INFRA = join(import.meta.dirname, '../../infra/brokers');

export interface BrokerProgram {
  readonly url: string;
  readonly folder: string;
  /** What it has logged. */
  log(): string;
  /** With kill -9. */
  stop(): Promise<void>;
  start(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  close(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

type Files = Readonly<Record<string, string>>;

/** `setup`: what the control plane gives for brokers at these addresses. */
export async function mosquitto(setup: (url: string) => Promise<Files>): Promise<BrokerProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-mosquitto-'));
  const port = await freePort();
  const url = `mqtts://localhost:${port}`;
  put(folder, await setup(url));
  cpSync(join(INFRA, 'mosquitto/drover.acl'), join(folder, 'drover.acl'));
  const conf = readFileSync(join(INFRA, 'mosquitto/drover.conf'), 'utf8')
    .replaceAll('/etc/mosquitto/drover', folder)
    .replace('listener 8883', `listener ${port} 127.0.0.1`);
  writeFileSync(join(folder, 'drover.conf'), `${conf}${process.getuid?.() === 0 ? 'user root\n' : ''}`);
  return program('mosquitto', ['-c', join(folder, 'drover.conf')], { url, folder, isReady: /mosquitto version \S+ running/ });
}

export async function natsServer(setup: (url: string) => Promise<Files>): Promise<BrokerProgram & { readonly adminUrl: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-nats-'));
  const [port, adminPort] = [await freePort(), await freePort()];
  const url = `mqtts://localhost:${port}`;
  put(folder, await setup(url));
  const conf = readFileSync(join(INFRA, 'nats/nats-server.conf'), 'utf8')
    .replaceAll('/etc/nats/drover', folder)
    .replace('include "nats/drover/', 'include "')
    .replaceAll('/var/lib/nats', folder)
    .replace('0.0.0.0:8883', `127.0.0.1:${port}`)
    .replace('0.0.0.0:4222', `127.0.0.1:${adminPort}`);
  writeFileSync(join(folder, 'nats-server.conf'), conf);
  const running = await program('nats-server', ['-c', join(folder, 'nats-server.conf')], { url, folder, isReady: /Server is ready/ });
  return { ...running, adminUrl: `tls://localhost:${adminPort}` };
}

function put(folder: string, files: Files): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
}

async function program(
  name: string,
  args: readonly string[],
  { url, folder, isReady }: { readonly url: string; readonly folder: string; readonly isReady: RegExp },
): Promise<BrokerProgram> {
  let child: ChildProcess;
  let said = '';
  let ended: Promise<unknown> = Promise.resolve();
  // Debian puts servers where only root has its path.
  const path = [`/usr/sbin/${name}`, `/usr/bin/${name}`].find((candidate) => existsSync(candidate)) ?? name;
  /** Settles when it says that it is ready; throws with what it said when it ends before, or takes too long. */
  async function start(): Promise<void> {
    said = '';
    child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const isReadyNow = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          said += text;
          if (isReady.test(said)) resolve();
        });
      }
    });
    ended = new Promise((resolve) => child.once('close', resolve));
    const tooLate = new AbortController();
    await Promise.race([isReadyNow, ended, pause(START_MS, null, { signal: tooLate.signal }).catch(() => {})]);
    tooLate.abort();
    if (isReady.test(said)) return;
    await stop();
    throw new Error(`${name} is not ready: ${said}`);
  }
  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await ended;
  }
  await start();
  return {
    url,
    folder,
    log: () => said,
    start,
    stop,
    signal: (signal) => void child.kill(signal),
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
