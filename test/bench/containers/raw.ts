import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerSpec, MiB, macOf } from '@drover/shared/model/guest';
import { lxcConfig } from '../../../agent/src/drivers/guest/lxc-config.ts';
import { lookAtHost } from '../../../agent/src/drivers/guest/lxc-host.ts';
import { detectInit } from '../../../agent/src/drivers/guest/lxc-init.ts';
import { overlayOptions } from '../../../agent/src/drivers/storage/overlay.ts';
import { ID_SHIFT } from '../../../agent/src/drivers/storage/shifted.ts';
import { FLOOR_INSTANCE } from '../ground.ts';
import type { BenchImages, ImageName } from '../images.ts';
import { watchForSign } from '../inside-sign.ts';
import { runProgram } from '../run-program.ts';
import { type ContainerContender, SIGN_PATH } from './contender.ts';

const FIRST_ID = 3_000_001;

/** The floor: LXC's own tools on an overlay over the same image, with the configuration that Drover would write. */
export function rawContainers(bridge: string, images: BenchImages): ContainerContender & { close(): Promise<void> } {
  const base = mkdtempSync(join(tmpdir(), 'drover-bench-raw-'));
  chmodSync(base, 0o711);
  const lxcPath = join(base, 'lxc');
  mkdirSync(lxcPath, { mode: 0o711 });
  const host = lookAtHost();
  const init = detectInit(unpacked('busybox'));
  const made = new Set<string>();
  let nextId = FIRST_ID;
  function unpacked(image: ImageName): string {
    const found = images.get(image);
    if (!found) throw new Error(`image ${image} was not made`);
    return found.rootfs;
  }

  const diskOf = (container: string) => join(base, 'disks', container);
  const rootfsOf = (container: string) => join(diskOf(container), 'rootfs');
  const named = (container: string) => [`--name=${container}`, `--lxcpath=${lxcPath}`];

  async function mountLayer(container: string, lower: string): Promise<void> {
    const [upper, work, target] = ['upper', 'work', 'rootfs'].map((name) => join(diskOf(container), name)) as [string, string, string];
    for (const folder of [upper, work, target]) mkdirSync(folder, { recursive: true, mode: 0o711 });
    const root = statSync(lower);
    chownSync(upper, root.uid, root.gid);
    chmodSync(upper, root.mode & 0o7777);
    await runProgram('mount', [
      ...['-t', 'overlay', 'bench', '-o', overlayOptions({ lower, upper, work, target, devices: false })],
      target,
    ]);
  }

  function configOf(container: string): string {
    const id = nextId++;
    const mac = macOf(id, 0);
    const spec = ContainerSpec.parse({
      type: 'container',
      name: container,
      tags: [],
      notes: '',
      power: 'running',
      powerRequest: 0,
      startAtBoot: false,
      memoryBytes: 64 * MiB,
      cores: 1,
      disks: [{ name: 'root', storageId: 'storage_benchmark1', sizeBytes: 64 * MiB, imageId: null }],
      nics: [{ name: 'net0', networkId: 'network_benchmark1', mac }],
      sshKeys: [],
      swapBytes: 0,
      processesMax: 4096,
      unprivileged: true,
    });
    const nics = [{ name: 'net0', mac, bridge }];
    return lxcConfig({ id, spec, rootfsPath: rootfsOf(container), nics, init, instance: FLOOR_INSTANCE, idShift: ID_SHIFT }, host);
  }

  async function remove(container: string): Promise<void> {
    await runProgram('umount', [rootfsOf(container)]);
    await runProgram('lxc-destroy', named(container));
    rmSync(diskOf(container), { recursive: true, force: true });
    made.delete(container);
  }

  return {
    name: 'raw lxc',
    async create(container, image = 'busybox') {
      await mountLayer(container, unpacked(image));
      made.add(container);
      const config = join(diskOf(container), 'config');
      writeFileSync(config, configOf(container));
      await runProgram('lxc-create', [...named(container), '--template=none', '--bdev=none', `--config=${config}`]);
    },
    async start(container) {
      const sign = watchForSign(join(rootfsOf(container), SIGN_PATH));
      try {
        const begunAtMs = performance.now();
        const [insideAtMs] = await Promise.all([sign.seenAtMs, runProgram('lxc-start', named(container))]);
        return { seenMs: null, insideMs: insideAtMs - begunAtMs };
      } finally {
        sign.close();
      }
    },
    async status(container) {
      await runProgram('lxc-info', [...named(container), '--state']);
    },
    async list() {
      await runProgram('lxc-ls', [`--lxcpath=${lxcPath}`, '--fancy', '--fancy-format=name,state']);
    },
    async stop(container) {
      await runProgram('lxc-stop', [...named(container), '--kill']);
    },
    remove,
    async close() {
      for (const container of made) {
        await runProgram('lxc-stop', [...named(container), '--kill']).catch(() => {});
        await remove(container);
      }
      rmSync(base, { recursive: true, force: true });
    },
  };
}
