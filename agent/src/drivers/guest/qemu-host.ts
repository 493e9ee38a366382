import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { Problem } from '@drover/shared/lib/problem';
import { run } from '../../host/shell.ts';
import type { QemuHost } from './qemu-command.ts';
import { qemuOption } from './qemu-option.ts';

export const QEMU_PROGRAM = 'qemu-system-x86_64';

export interface QemuFacts extends QemuHost {
  readonly version: string;
  /** Why guests are emulated, when they are. */
  readonly noKvmReason: string | null;
}

/** What this host's QEMU can do; a Problem when it cannot run guests at all. Opens devices, starts no guest, never hangs. */
export async function lookAtQemu(): Promise<QemuFacts> {
  if (process.arch !== 'x64') throw new Problem('unsupported', `virtual machines need an x86-64 host, and this is ${process.arch}`);
  const { stdout } = await run(QEMU_PROGRAM, ['-version'], { timeoutMs: 10_000 });
  const [, version = '', major = '0'] = /version ((\d+)\.[\d.]+)/.exec(stdout) ?? [];
  const noKvmReason = whyNoKvm();
  return {
    version,
    major: Number(major),
    kvm: noKvmReason === null,
    noKvmReason,
    sandbox: await hasSandbox(),
    vhostNet: noKvmReason === null && canOpen('/dev/vhost-net'),
    ioUring: await hasIoUring(),
    uefi: findUefi(),
  };
}

/** KVM works only with virtualization in the processor; /dev/kvm alone says nothing: there are hosts where it opens and guests hang. */
export function whyNoKvm(): string | null {
  if (!existsSync('/dev/kvm')) return 'no KVM: there is no /dev/kvm';
  if (!canOpen('/dev/kvm')) return 'no KVM: /dev/kvm cannot be opened';
  return hasVirtualization(readFileSync('/proc/cpuinfo', 'utf8')) ? null : 'no KVM: /proc/cpuinfo shows neither vmx nor svm';
}

export function hasVirtualization(cpuinfo: string): boolean {
  return cpuinfo.split('\n').some((line) => /^flags\s*:/.test(line) && /\s(vmx|svm)(\s|$)/.test(line));
}

function canOpen(device: string): boolean {
  try {
    closeSync(openSync(device, 'r+'));
    return true;
  } catch {
    // Missing, or not allowed: either way it cannot be used.
    return false;
  }
}

async function hasSandbox(): Promise<boolean> {
  // A build without seccomp does not know the option's group.
  const { code } = await run(QEMU_PROGRAM, ['-sandbox', 'on', '-version'], { okCodes: [0, 1], timeoutMs: 10_000 });
  return code === 0;
}

/** Both QEMU's build and the kernel must have it, and it must not be switched off: seen by opening a file that way. */
async function hasIoUring(): Promise<boolean> {
  const file = qemuOption(null, { 'driver': 'raw', 'file.driver': 'file', 'file.filename': process.execPath, 'file.aio': 'io_uring' });
  try {
    await run('qemu-img', ['info', '--image-opts', file], { timeoutMs: 10_000 });
    return true;
  } catch {
    // Worker threads do as well.
    return false;
  }
}

const UEFI_BUILDS = [
  { codePath: '/usr/share/OVMF/OVMF_CODE_4M.fd', varsPath: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { codePath: '/usr/share/OVMF/OVMF_CODE.fd', varsPath: '/usr/share/OVMF/OVMF_VARS.fd' },
];

function findUefi(): QemuHost['uefi'] {
  return UEFI_BUILDS.find((build) => existsSync(build.codePath) && existsSync(build.varsPath)) ?? null;
}

/** Can this file be opened past the page cache? Not on every file system (tmpfs, some network ones). */
export function supportsDirectIo(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    closeSync(openSync(path, constants.O_RDONLY | constants.O_DIRECT));
    return true;
  } catch {
    // EINVAL is the answer no; a missing file is QEMU's to complain about.
    return false;
  }
}
