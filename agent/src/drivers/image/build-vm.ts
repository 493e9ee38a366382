import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { MiB } from '@drover/shared/model/guest';
import type { AgentConfig } from '../../config.ts';
import { run } from '../../host/shell.ts';
import type { Progress } from '../progress.ts';
import { tethered } from '../storage/shifted.ts';
import { type BuildSource, debootstrap } from './debian.ts';
import { INITRD_FILES, KERNEL_OPTIONS, vmFiles } from './debian-files.ts';
import { giveToSandbox, sandboxed } from './sandbox.ts';
import type { MadeImage } from './source.ts';

const PACKAGES = [
  'systemd-sysv',
  'systemd-resolved',
  'systemd-boot-efi',
  'udev',
  'dbus',
  'login',
  'kmod',
  'e2fsprogs',
  'zstd',
  'iproute2',
  'iputils-ping',
  'netbase',
  'qemu-guest-agent',
  'openssh-server',
  'ca-certificates',
  'procps',
  'less',
  'vim-tiny',
];

/** What names things per processor: Debian's kernel, the boot loader's file as firmware looks for it, the root partition's type. */
const MACHINES: Readonly<Record<string, { kernel: string; loader: string; firmware: string; rootType: string }>> = {
  x64: {
    kernel: 'linux-image-cloud-amd64',
    loader: 'systemd-bootx64.efi',
    firmware: 'BOOTX64.EFI',
    rootType: '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  },
  arm64: {
    kernel: 'linux-image-cloud-arm64',
    loader: 'systemd-bootaa64.efi',
    firmware: 'BOOTAA64.EFI',
    rootType: 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
  },
};

const ESP = { startBytes: MiB, sizeBytes: 128 * MiB };
const ROOT_START_BYTES = ESP.startBytes + ESP.sizeBytes;

/** The partition table: an EFI partition, and the root file system last, so that it can grow. */
export function partitionTable(rootBytes: number, rootType: string): string {
  const sectors = (bytes: number) => bytes / 512;
  return [
    'label: gpt',
    'unit: sectors',
    `start=${sectors(ESP.startBytes)}, size=${sectors(ESP.sizeBytes)}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=ESP`,
    `start=${sectors(ROOT_START_BYTES)}, size=${sectors(rootBytes)}, type=${rootType}, name=root`,
    '',
  ].join('\n');
}

/** Room for the tree with its metadata, a journal, and a little to live on until the file system grows to its disk at first boot. */
export function rootSizeOf(treeBytes: number): number {
  return Math.ceil((treeBytes * 1.12) / MiB + 128) * MiB;
}

export function loaderEntry(version: string): string {
  const path = `/EFI/debian/${version}`;
  return `title Debian\nsort-key debian\nversion ${version}\nlinux ${path}/linux\ninitrd ${path}/initrd\noptions ${KERNEL_OPTIONS}\n`;
}

/** A bootable UEFI disk of Debian, made without mounting anything: every file system is written by its own mkfs. */
export async function buildVm(
  config: Pick<AgentConfig, 'debianMirror'>,
  source: BuildSource,
  folder: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<MadeImage> {
  const machine = MACHINES[process.arch];
  if (!machine) throw new Problem('unsupported', `Drover builds no disks for ${process.arch} processors`);
  const repart = source.suite === 'bookworm' ? [] : ['systemd-repart'];
  const what = { suite: source.suite, packages: [machine.kernel, ...PACKAGES, ...repart, ...source.packages], target: 'tree' };
  const installing: Progress = {
    log: progress.log,
    report: (fraction, detail) => progress.report(fraction === null ? null : fraction * 0.92, detail),
  };
  await debootstrap(folder, what, { early: INITRD_FILES, late: vmFiles(source.suite) }, config.debianMirror, installing, signal);

  const tool = (program: string, args: readonly string[], input?: string) =>
    sandboxed('build', folder, program, args, { signal, timeoutMs: 900_000, ...(input === undefined ? {} : { input }) });
  progress.report(0.93, 'writing the root file system');
  const { stdout } = await tool('du', ['--summarize', '--block-size=1', 'tree']);
  const rootBytes = rootSizeOf(Number(/^\d+/.exec(stdout)?.[0] ?? 0));
  const virtualSizeBytes = ROOT_START_BYTES + rootBytes + MiB;
  const disk = join(folder, 'disk.raw');
  await writeFile(disk, '', { mode: 0o600 });
  await truncate(disk, virtualSizeBytes);
  await giveToSandbox(disk);
  await tool('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', 'disk.raw'], partitionTable(rootBytes, machine.rootType));
  await tool('mke2fs', [
    ...['-q', '-F', '-t', 'ext4', '-L', 'root', '-m', '1', '-b', '4096', '-d', 'tree'],
    ...['-E', `offset=${ROOT_START_BYTES},assume_storage_prezeroed=1`, 'disk.raw', `${rootBytes / 1024}k`],
  ]);
  progress.report(0.96, 'writing the EFI partition');
  await writeEsp(folder, machine, tool);
  progress.report(0.97, 'packing the disk');
  await run(...tethered('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', disk, join(folder, 'disk.qcow2')]), {
    signal,
    timeoutMs: 900_000,
  });
  return { virtualSizeBytes };
}

type Tool = (program: string, args: readonly string[], input?: string) => Promise<unknown>;

async function writeEsp(folder: string, machine: { loader: string; firmware: string }, tool: Tool): Promise<void> {
  const names = await readdir(join(folder, 'tree', 'boot'));
  const versions = names.flatMap((name) => /^vmlinuz-([A-Za-z0-9.+_-]+)$/.exec(name)?.[1] ?? []);
  if (versions.length === 0) throw new Problem('host-failed', 'no kernel was installed into the image', { retryable: true });
  const at = `disk.raw@@${ESP.startBytes}`;
  // Large clusters: firmware follows the chain of a file one cluster after the other, which is slow where the processor is emulated.
  await tool('mkfs.vfat', [
    ...['-F', '16', '-s', '16', '-n', 'ESP', '--offset', String(ESP.startBytes / 512), '--mbr=no'],
    ...['disk.raw', String(ESP.sizeBytes / 1024)],
  ]);
  const folders = ['EFI', 'EFI/BOOT', 'EFI/debian', 'loader', 'loader/entries', ...versions.map((version) => `EFI/debian/${version}`)];
  await tool('mmd', ['-i', at, ...folders.map((path) => `::${path}`)]);
  const copy = (from: string, to: string) => tool('mcopy', ['-i', at, from, `::${to}`]);
  await copy(`tree/usr/lib/systemd/boot/efi/${machine.loader}`, `EFI/BOOT/${machine.firmware}`);
  await writeFile(join(folder, 'loader.conf'), 'timeout 0\nconsole-mode keep\neditor no\n');
  await copy('loader.conf', 'loader/loader.conf');
  for (const version of versions) {
    await copy(`tree/boot/vmlinuz-${version}`, `EFI/debian/${version}/linux`);
    await copy(`tree/boot/initrd.img-${version}`, `EFI/debian/${version}/initrd`);
    await writeFile(join(folder, 'entry.conf'), loaderEntry(version));
    await copy('entry.conf', `loader/entries/debian-${version}.conf`);
  }
}
