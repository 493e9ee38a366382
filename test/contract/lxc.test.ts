import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { describe } from 'vitest';
import { AgentConfig } from '../../agent/src/config.ts';
import { createLxcDriver } from '../../agent/src/drivers/guest/lxc.ts';
import { describeGuestDriver, type GuestDriverWorld } from './guest-driver.ts';
import { canMakeTinyRootfs, makeTinyRootfs, tinyContainerSpec } from './tiny-container.ts';

const ID = 4_000_201;
const INSTANCE = 'tl';
const BRIDGE = 'drvtestlxc';

describe.skipIf(!canMakeTinyRootfs())('lxc', () => {
  describeGuestDriver('lxc', {
    create: createWorld,
    powerOff: ['poweroff', '-f'],
    memoryChange: 'at-once',
    consolePrompt: '',
    separateConsoles: true,
  });
});

async function createWorld(): Promise<GuestDriverWorld> {
  const base = mkdtempSync(join(tmpdir(), 'drover-lxc-'));
  chmodSync(base, 0o711);
  const folder = join(base, 'guests', String(ID));
  const runPath = join(base, 'run');
  const rootfs = join(folder, 'rootfs');
  mkdirSync(folder, { recursive: true });
  makeTinyRootfs(rootfs);
  execFileSync('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
  const config = AgentConfig.parse({
    controlPlaneUrl: 'http://localhost:1',
    dataPath: base,
    runPath,
    instance: INSTANCE,
    storagePaths: [base],
    bridges: [BRIDGE],
  });
  const spec = tinyContainerSpec(ID);
  let crashes = 0;
  return {
    createDriver: () => createLxcDriver({ config, clock: realClock, log: (line) => console.log(line) }),
    leave() {},
    definition: {
      id: ID,
      spec,
      places: {
        folder,
        disks: [{ name: 'root', form: 'directory', path: rootfs, format: null }],
        nics: spec.nics.map(({ name, mac }) => ({ name, mac, bridge: BRIDGE })),
        cdromPath: null,
      },
    },
    async crash() {
      // By turns the container's own first process, and LXC, which holds it.
      const [lxc] = processes(runPath).filter((pid) => commandLine(pid).startsWith('lxc-start\0'));
      const init = readFileSync(`/proc/${lxc}/task/${lxc}/children`, 'utf8').trim();
      process.kill(Number(crashes++ % 2 === 0 ? init : lxc), 'SIGKILL');
      await untilNone(runPath);
    },
    waitUntilOff: () => untilNone(runPath),
    async traces() {
      const devices = readdirSync('/sys/class/net').filter((name) => name.startsWith(`veth${INSTANCE}`));
      const groups = execFileSync('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', `lxc.*.drover${INSTANCE}-*`], { encoding: 'utf8' });
      const files = existsSync(runPath) ? execFileSync('find', [runPath, '-name', `${ID}*`], { encoding: 'utf8' }) : '';
      return [...processes(runPath).map(commandLine), ...devices, ...groups.split('\n'), ...files.split('\n')].filter(
        (trace) => trace !== '',
      );
    },
    async close() {
      for (const pid of processes(runPath)) process.kill(pid, 'SIGKILL');
      execFileSync('ip', ['link', 'del', BRIDGE]);
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** Processes that hold a container of these tests. */
function processes(runPath: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && commandLine(Number(name)).includes(runPath) && commandLine(Number(name)).includes('lxc-start'))
    .map(Number);
}

async function untilNone(runPath: string): Promise<void> {
  while (processes(runPath).length > 0) await realClock.sleep(5);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
