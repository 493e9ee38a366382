import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import type { ContainerSpec } from '@drover/shared/model/guest';
import { AgentConfig } from '../../agent/src/config.ts';
import type { GuestDefinition } from '../../agent/src/drivers/guest/driver.ts';
import { createLxcDriver } from '../../agent/src/drivers/guest/lxc.ts';
import type { GuestDriverWorld } from './guest-driver.ts';
import { makeTinyRootfs, tinyContainerSpec } from './tiny-container.ts';

const BRIDGE = 'drvtestlxc';

export interface LxcWorld extends GuestDriverWorld {
  readonly definition: GuestDefinition & { readonly spec: ContainerSpec };
  readonly rootfs: string;
  readonly runPath: string;
  /** Numbers of the processes that hold a container, lxc-start last. */
  processes(): readonly number[];
}

/** Tiny containers on a bridge of their own. */
export async function createLxcWorld(id: number, instance: string): Promise<LxcWorld> {
  const base = mkdtempSync(join(tmpdir(), 'drover-lxc-'));
  chmodSync(base, 0o711);
  const folder = join(base, 'guests', String(id));
  const runPath = join(base, 'run');
  const rootfs = join(folder, 'rootfs');
  mkdirSync(folder, { recursive: true });
  makeTinyRootfs(rootfs);
  execFileSync('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
  const config = AgentConfig.parse({
    controlPlaneUrl: 'http://localhost:1',
    dataPath: base,
    runPath,
    instance,
    storagePaths: [base],
    bridges: [BRIDGE],
  });
  const spec = tinyContainerSpec(id);
  let crashes = 0;
  return {
    rootfs,
    runPath,
    processes: () => processes(runPath),
    createDriver: () => createLxcDriver({ config, clock: realClock, log: (line) => console.log(line) }),
    definition: {
      id,
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
      const devices = readdirSync('/sys/class/net').filter((name) => name.startsWith(`veth${instance}`));
      const groups = execFileSync('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', `lxc.*.drover${instance}-*`], { encoding: 'utf8' });
      const files = existsSync(runPath) ? execFileSync('find', [runPath, '-name', `${id}*`], { encoding: 'utf8' }) : '';
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
