import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { VmSpec } from '@drover/shared/model/guest';
import { MiB } from '@drover/shared/model/guest';
import { ImageId, NetworkId, StorageId } from '@drover/shared/model/id';

/** A guest for tests of virtual machines: Debian's cloud kernel, and an initrd with busybox and the guest agent. Boots in seconds even when emulated. */
export interface TinyVm {
  readonly kernelPath: string;
  readonly initrdPath: string;
}

const CACHE = join(tmpdir(), 'drover-tiny-vm-4');
const run = (program: string, args: readonly string[], cwd?: string): string =>
  execFileSync(program, args, { encoding: 'utf8', cwd, maxBuffer: 2 ** 28 });

/** Tests of virtual machines need root (taps, bridges), QEMU, and the pieces of the tiny guest. */
export const canRunTinyVm = (): boolean =>
  process.getuid?.() === 0 &&
  ['/dev/net/tun', '/usr/bin/qemu-system-x86_64', '/usr/bin/qemu-img', '/usr/bin/mcopy', '/bin/busybox', '/usr/bin/apt-get'].every(
    existsSync,
  );

/** Makes the kernel and initrd once for this machine; needs Debian's mirror, and busybox-static and the libraries of QEMU installed. */
export function ensureTinyVm(): TinyVm {
  const made = { kernelPath: join(CACHE, 'kernel'), initrdPath: join(CACHE, 'initrd') };
  if (existsSync(made.initrdPath)) return made;
  const work = mkdtempSync(`${CACHE}-`);
  // apt's own user downloads.
  chmodSync(work, 0o755);
  const kernelPackage = /Depends: (linux-image-\S+)/.exec(run('apt-cache', ['depends', 'linux-image-cloud-amd64']))?.[1];
  if (kernelPackage === undefined) throw new Error('apt knows no linux-image-cloud-amd64: run apt-get update');
  run('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', kernelPackage, 'qemu-guest-agent'], work);
  for (const deb of readdirSync(work).filter((name) => name.endsWith('.deb'))) run('dpkg', ['-x', join(work, deb), join(work, 'packages')]);
  const root = join(work, 'root');
  makeRoot(root, join(work, 'packages'));
  const boot = join(work, 'packages/boot');
  const kernel = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
  if (kernel === undefined) throw new Error(`${kernelPackage} has no kernel in it`);
  writeFileSync(join(work, 'initrd'), packArchive(root));
  renameSync(join(boot, kernel), join(work, 'kernel'));
  for (const name of readdirSync(work)) if (name !== 'kernel' && name !== 'initrd') rmSync(join(work, name), { recursive: true });
  try {
    renameSync(work, CACHE);
  } catch (error) {
    // Somebody else made it meanwhile.
    rmSync(work, { recursive: true });
    if (!existsSync(made.initrdPath)) throw error;
  }
  return made;
}

/** The words that boot it. */
export const tinyVmArguments = (tiny: TinyVm): string[] => [
  ...['-kernel', tiny.kernelPath, '-initrd', tiny.initrdPath],
  ...['-append', 'console=ttyS0 quiet panic=-1'],
];

export function tinyVmSpec(change: Partial<VmSpec> = {}): VmSpec {
  return {
    type: 'vm',
    name: 'tiny',
    tags: [],
    notes: '',
    power: 'off',
    powerRequest: 0,
    startAtBoot: false,
    memoryBytes: 128 * MiB,
    cores: 1,
    disks: [
      { name: 'root', storageId: StorageId.parse('storage_tinytiny'), sizeBytes: 64 * MiB, imageId: ImageId.parse('image_tinytiny') },
    ],
    nics: [{ name: 'net0', networkId: NetworkId.parse('network_tinytiny'), mac: '52:54:01:00:00:64' }],
    sshKeys: [],
    firmware: 'bios',
    cdromImageId: null,
    ...change,
  };
}

/** Which needs which differs between kernels, so they are tried in rounds. */
const MODULES = [
  ...['virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'virtio_console', 'virtio_blk'],
  ...['failover', 'net_failover', 'virtio_net', 'evdev', 'button', 'pvpanic', 'pvpanic-pci'],
];

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for round in 1 2 3; do
  for module in /modules/*.ko; do insmod $module 2>/dev/null && rm $module; done
done
mkdir -p /dev/virtio-ports /run /var/run
for port in /sys/class/virtio-ports/*; do ln -s /dev/$(basename $port) /dev/virtio-ports/$(cat $port/name); done
qemu-ga -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 &
for input in /dev/input/event*; do (dd if=$input of=/dev/null bs=24 count=1 2>/dev/null && poweroff -f) & done
ip link set lo up
for nic in /sys/class/net/eth*; do ip link set $(basename $nic) up && udhcpc -b -q -i $(basename $nic) -s /bin/true & done
while true; do setsid sh -c 'exec sh </dev/ttyS0 >/dev/ttyS0 2>&1'; done
`;

function makeRoot(root: string, packages: string): void {
  for (const folder of ['bin', 'sbin', 'proc', 'sys', 'dev', 'tmp', 'modules', 'lib64']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'init'), INIT, { mode: 0o755 });
  writeFileSync(join(root, 'sbin/shutdown'), '#!/bin/sh\nexec poweroff -f\n', { mode: 0o755 });
  cpSync('/bin/busybox', join(root, 'bin/busybox'));
  symlinkSync('busybox', join(root, 'bin/sh'));
  cpSync(join(packages, 'usr/sbin/qemu-ga'), join(root, 'sbin/qemu-ga'));
  for (const [, library] of run('ldd', [join(root, 'sbin/qemu-ga')]).matchAll(/(\/\S+) \(0x/g)) {
    if (library === undefined) continue;
    mkdirSync(join(root, dirname(library)), { recursive: true });
    cpSync(library, join(root, library), { dereference: true });
  }
  const found = run('find', [packages, '-name', '*.ko*']).trim().split('\n');
  for (const path of found) {
    const [, name = '', packing] = /^(.*?)\.ko(\.xz)?$/.exec(basename(path)) ?? [];
    if (!MODULES.includes(name)) continue;
    const module = packing === undefined ? readFileSync(path) : execFileSync('xz', ['-dc', path], { maxBuffer: 2 ** 28 });
    writeFileSync(join(root, 'modules', `${name}.ko`), module);
  }
}

/** The kernel's archive form ("newc") of a folder, by busybox, which is there anyway. */
function packArchive(root: string): Buffer {
  const names = run('find', ['.', '-mindepth', '1'], root);
  return execFileSync('/bin/busybox', ['cpio', '-o', '-H', 'newc'], {
    cwd: root,
    input: names,
    maxBuffer: 2 ** 28,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}
