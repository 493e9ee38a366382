import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import { type ContainerContender, SIGN_PATH } from '../containers/contender.ts';
import type { BenchImages } from '../images.ts';
import { watchForSign } from '../inside-sign.ts';
import { runProgram } from '../run-program.ts';
import { startDaemon } from './daemon.ts';
import { lxdClient } from './lxd-client.ts';

const POOL = 'bench';
const POOL_SIZE = '8GiB';

/** An LXD of its own, with its data below the benchmark's folder. */
export async function startLxd(
  bridge: string,
  images: BenchImages,
  cleanup: Cleanup,
): Promise<ContainerContender & { readonly pid: number }> {
  const folder = join(tmpdir(), 'lxd');
  mkdirSync(folder, { mode: 0o711 });
  const env = { LXD_DIR: folder, LXD_CONF: join(folder, 'client') };
  const daemon = startDaemon('lxd', ['--group', 'root'], env);
  cleanup.add('LXD', () => daemon.end('SIGTERM'));
  await runProgram('lxd', ['waitready', '--timeout=60'], { env });
  const call = lxdClient(join(folder, 'unix.socket'));
  const made = new Set<string>();
  cleanup.add("LXD's containers", async () => {
    for (const container of made) {
      await setState(container, 'stop').catch(() => {});
      await remove(container);
    }
  });
  await runProgram('lxc', ['storage', 'create', POOL, 'btrfs', `size=${POOL_SIZE}`], { env });
  for (const { name, archivePath } of images.values()) await importImage(name, archivePath);

  async function importImage(name: string, archivePath: string): Promise<void> {
    const about = join(folder, `${name}-metadata`);
    mkdirSync(about);
    writeFileSync(join(about, 'metadata.yaml'), 'architecture: x86_64\ncreation_date: 1\nproperties:\n  os: bench\n');
    await runProgram('tar', ['-cf', `${about}.tar`, '-C', about, 'metadata.yaml']);
    await runProgram('lxc', ['image', 'import', `${about}.tar`, archivePath, `--alias=${name}`], { env });
  }

  const setState = (container: string, action: 'start' | 'stop') =>
    call('PUT', `/1.0/instances/${container}/state`, { action, timeout: -1, force: action === 'stop' });

  async function statusOf(container: string): Promise<string | undefined> {
    return (await call('GET', `/1.0/instances/${container}/state`)).metadata.status;
  }

  async function remove(container: string): Promise<void> {
    await call('DELETE', `/1.0/instances/${container}`);
    made.delete(container);
  }

  async function expect(container: string, wanted: string): Promise<void> {
    const status = await statusOf(container);
    if (status !== wanted) throw new Error(`LXD shows ${container} as ${status}, not ${wanted}`);
  }

  return {
    name: 'LXD',
    pid: daemon.pid,
    async create(container, image = 'busybox') {
      made.add(container);
      await call('POST', '/1.0/instances', {
        name: container,
        source: { type: 'image', alias: image },
        profiles: [],
        config: { 'limits.memory': '64MiB', 'limits.processes': '4096' },
        devices: {
          root: { type: 'disk', path: '/', pool: POOL },
          eth0: { type: 'nic', nictype: 'bridged', parent: bridge, name: 'eth0' },
        },
      });
    },
    async start(container) {
      const sign = watchForSign(join(folder, 'storage-pools', POOL, 'containers', container, 'rootfs', SIGN_PATH));
      try {
        const begunAtMs = performance.now();
        const seen = setState(container, 'start')
          .then(() => expect(container, 'Running'))
          .then(() => performance.now());
        const [seenAtMs, insideAtMs] = await Promise.all([seen, sign.seenAtMs]);
        return { seenMs: seenAtMs - begunAtMs, insideMs: insideAtMs - begunAtMs };
      } finally {
        sign.close();
      }
    },
    async status(container) {
      await statusOf(container);
    },
    async list() {
      await call('GET', '/1.0/instances?recursion=2');
    },
    async stop(container) {
      await setState(container, 'stop');
      await expect(container, 'Stopped');
    },
    remove,
  };
}
