import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { AGENT_PACKAGE_PATH } from '@drover/shared/protocol/agent-api';
import { openUrl } from '../drivers/image/http.ts';
import { transfer } from '../drivers/image/transfer.ts';
import { readTextIfThere, writeFileDurably } from '../host/durable-file.ts';
import { run } from '../host/shell.ts';
import { hasSystemd } from '../host/supervise.ts';
import { buildOf, type UpgradeOrder } from './release.ts';
import { repackInstalled } from './repack.ts';
import { UPGRADE_SCRIPT } from './script.ts';
import { Before, type Trial } from './trial.ts';

/** So long a new agent has to get on, from its first start. With what dpkg takes on either side of it, a broken one is gone within two minutes. */
const HEALTHY_WITHIN_S = 60;
const UNIT = 'drover-agent-upgrade.service';
const INSTALLED_PROGRAM = '/usr/lib/drover/agent.js';
const LOOK_MS = 500;

export interface Upgrader {
  /** Of the program that runs here. */
  readonly build: string;
  /** Why this agent cannot be upgraded from the control plane; null: it can. */
  readonly blocked: string | null;
  /** See HostActions. */
  upgrade(order: UpgradeOrder, signal: AbortSignal, log: (line: string) => void): Promise<void>;
  readonly trial: Trial;
}

export interface UpgraderPorts {
  readonly dataPath: string;
  readonly controlPlaneUrl: string;
  readonly clock: Clock;
  /** The program that runs here. */
  readonly program: string;
}

/** An agent that came by its package can be replaced by another one, which is taken back should it not get on. */
export function createUpgrader({ dataPath, controlPlaneUrl, clock, program }: UpgraderPorts): Upgrader {
  const folder = `${dataPath}/upgrade`;
  const build = buildOf(program);
  const file = (name: string) => `${folder}/${name}`;
  const read = (name: string) => readTextIfThere(file(name))?.trim() ?? null;
  const write = (name: string, text: string) => writeFileDurably(file(name), `${text}\n`);

  /** All that the script needs, and last of all itself: what is there without it was left half made. */
  async function prepare({ taskId, release, running }: UpgradeOrder, signal: AbortSignal, log: (line: string) => void): Promise<void> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    log(`fetching drover-agent ${release.version}`);
    await transfer(openUrl(`${controlPlaneUrl}${AGENT_PACKAGE_PATH}`), file('new.deb'), {
      what: `drover-agent ${release.version}`,
      bytesMax: release.sizeBytes,
      checksum: { algorithm: 'sha256', hex: release.sha256 },
      clock,
      progress: { report() {}, log },
      signal,
    });
    const { stdout: named } = await run('dpkg-deb', ['--field', file('new.deb'), 'Package'], { timeoutMs: 60_000, signal });
    if (named.trim() !== 'drover-agent') throw new Problem('host-failed', `the package is not drover-agent but ${named.trim()}`);
    await repackInstalled(folder, file('old.deb'));
    write('task', taskId);
    write('before', JSON.stringify({ atMs: clock.now(), running: [...running] } satisfies Before));
    write('build', release.build);
    write('seconds', String(HEALTHY_WITHIN_S));
    writeFileDurably(file('run.sh'), UPGRADE_SCRIPT, { mode: 0o700 });
  }

  /** Returns when the script has ended; the agent that asks may well end before that. */
  async function ended(signal: AbortSignal): Promise<string> {
    for (;;) {
      signal.throwIfAborted();
      const outcome = read('outcome');
      if (outcome !== null) return outcome;
      const { stdout } = await run('systemctl', ['is-active', UNIT], { okCodes: [0, 1, 2, 3, 4], timeoutMs: 30_000, signal });
      if (!/^(active|activating|reloading)/.test(stdout) && read('outcome') === null)
        throw new Problem('host-failed', `${UNIT} ended without a word: journalctl -u ${UNIT} says why`);
      await clock.sleep(LOOK_MS, signal);
    }
  }

  return {
    build,
    blocked: blockedBy(program),
    async upgrade(order, signal, log) {
      const { taskId, release } = order;
      const isUnderWay = read('task') === taskId && (existsSync(file('run.sh')) || read('outcome') !== null);
      if (!isUnderWay) {
        const blocked = blockedBy(program);
        if (blocked) throw new Problem('unsupported', blocked, { suggestion: 'run the line of drover host add on it again' });
        if (release.build === build) return log(`this is drover-agent ${release.version} already`);
        await prepare(order, signal, log);
        log('installing it; the agent starts anew, guests go on');
      }
      // Over this the agent ends: the one that comes waits on.
      if (read('outcome') === null) await run('systemctl', ['start', '--no-block', UNIT], { timeoutMs: 30_000 });
      const [word, ...reason] = (await ended(signal)).split(' ');
      // What it came to stays: this agent may end before it has written it down.
      for (const name of ['new.deb', 'old.deb']) rmSync(file(name), { force: true });
      if (word !== 'done') throw new Problem('host-failed', `the agent before it is back: ${reason.join(' ')}`);
      if (release.build !== build)
        throw new Problem('host-failed', `another agent runs than was asked for: ${build}, not ${release.build}`);
    },
    trial: {
      isOn: () => read('build') === build && existsSync(file('run.sh')) && read('healthy') !== build,
      before: () => Before.parse(JSON.parse(read('before') ?? '')),
      pass: () => write('healthy', build),
    },
  };
}

/** Only what dpkg has put there can dpkg replace, and only systemd goes on when the agent ends. */
function blockedBy(program: string): string | null {
  if (!hasSystemd()) return 'systemd does not run here';
  if (!existsSync(INSTALLED_PROGRAM) || realpathSync(INSTALLED_PROGRAM) !== program)
    return 'this agent runs from a clone, not from its package';
  return null;
}
