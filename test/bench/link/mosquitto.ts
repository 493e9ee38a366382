import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { follow } from '../../system/process.ts';
import { freePort } from '../../system/world.ts';
import type { Cleanup } from '../cleanup.ts';
import { ROOT } from '../root.ts';

const INFRA = join(ROOT, 'infra/brokers/mosquitto');
// Debian puts servers where only root has its path.
const PROGRAM = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto'].find((path) => existsSync(path)) ?? 'mosquitto';

export interface RunningMosquitto {
  readonly url: string;
  readonly pid: number;
  end(): Promise<unknown>;
}

type Files = Readonly<Record<string, string>>;

/** As docs/brokers.md says: the configuration of infra/brokers, and the files that the control plane gives for a broker at this address. */
export async function startMosquittoOfCell(
  folder: string,
  cleanup: Cleanup,
  setup: (url: string) => Promise<Files>,
): Promise<RunningMosquitto> {
  mkdirSync(folder, { mode: 0o700 });
  const port = await freePort();
  const url = `mqtts://127.0.0.1:${port}`;
  for (const [name, text] of Object.entries(await setup(url))) writeFileSync(join(folder, name), text, { mode: 0o600 });
  writeFileSync(join(folder, 'drover.acl'), readFileSync(join(INFRA, 'drover.acl')), { mode: 0o600 });
  const conf = readFileSync(join(INFRA, 'drover.conf'), 'utf8')
    .replaceAll('/etc/mosquitto/drover', folder)
    .replace('listener 8883', `listener ${port} 127.0.0.1`);
  return start(folder, conf, url, cleanup);
}

/** The floor: neither certificates nor rights. */
export async function startBareMosquitto(folder: string, cleanup: Cleanup): Promise<RunningMosquitto> {
  mkdirSync(folder, { mode: 0o700 });
  const port = await freePort();
  const conf = `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 20000\nset_tcp_nodelay true\n`;
  return start(folder, conf, `mqtt://127.0.0.1:${port}`, cleanup);
}

async function start(folder: string, conf: string, url: string, cleanup: Cleanup): Promise<RunningMosquitto> {
  const path = join(folder, 'mosquitto.conf');
  writeFileSync(path, `${conf}${process.getuid?.() === 0 ? 'user root\n' : ''}`, { mode: 0o600 });
  const child = spawn(PROGRAM, ['-c', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.once('error', ({ message }) => console.error(`${PROGRAM}: ${message} (Debian has it in the package mosquitto)`));
  const running = follow(child, PROGRAM, 'exit');
  const end = () => running.end('SIGKILL');
  cleanup.add('Mosquitto', end);
  await running.untilSays(/mosquitto version \S+ running/);
  return { url, pid: running.pid, end };
}
