import { readFileSync } from 'node:fs';
import { Problem } from '@drover/shared/lib/problem';
import type { DiskHealth, Hardware, HostDisk } from '@drover/shared/model/hardware';
import type { InstalledPackage } from '@drover/shared/model/host';
import { run } from '../shell.ts';
import { readPci, readUsb } from './devices.ts';
import { fitted } from './fit.ts';
import { LSBLK_ARGUMENTS, parseLsblk } from './lsblk.ts';
import { readNics } from './nics.ts';
import { DPKG_FORMAT, PACKAGES_THAT_MATTER, parseDpkg } from './packages.ts';
import { type Processors, parseCpuinfo, readNuma } from './processor.ts';
import { parseSmart, smartArguments } from './smart.ts';

const LOOK_MS = 20_000;
/** A disk that fails may take long to say anything. */
const SMART_MS = 30_000;
/** smartctl's code is a set of bits that its answer repeats. */
const ANY_CODE: readonly number[] = Array.from({ length: 256 }, (_, code) => code);

export const readProcessors = (): Processors => parseCpuinfo(readFileSync('/proc/cpuinfo', 'utf8'));

/** Everything that the host is made of. What cannot be looked at is left out, and said to `log`. */
export async function lookAtHardware(log: (line: string) => void): Promise<Hardware> {
  const disks = await lookAtDisks(log);
  return fitted({
    processorFlags: [...readProcessors().flags],
    numa: readNuma(),
    disks,
    nics: readNics(),
    pci: readPci(),
    usb: readUsb(),
  });
}

async function lookAtDisks(log: (line: string) => void): Promise<HostDisk[]> {
  try {
    const { stdout } = await run('lsblk', LSBLK_ARGUMENTS, { timeoutMs: LOOK_MS });
    const disks: HostDisk[] = [];
    // One after the other: a disk that hangs must not make all of them busy.
    for (const disk of parseLsblk(stdout)) disks.push({ ...disk, health: await healthOf(disk.name) });
    return disks;
  } catch (thrown) {
    log(`cannot list the host's disks: ${Problem.from(thrown).message}`);
    return [];
  }
}

async function healthOf(name: string): Promise<DiskHealth> {
  try {
    const { stdout } = await run('smartctl', smartArguments(`/dev/${name}`), { timeoutMs: SMART_MS, okCodes: ANY_CODE });
    return parseSmart(stdout);
  } catch (thrown) {
    const problem = Problem.from(thrown);
    return { state: 'unknown', detail: problem.code === 'unsupported' ? 'smartmontools is not installed' : problem.message.slice(0, 300) };
  }
}

/** Null where dpkg gives no answer. */
export async function listPackages(): Promise<InstalledPackage[] | null> {
  try {
    // Code 1: dpkg does not know some of the names.
    const { stdout } = await run('dpkg-query', ['--show', `--showformat=${DPKG_FORMAT}`, ...PACKAGES_THAT_MATTER], {
      okCodes: [0, 1],
      timeoutMs: LOOK_MS,
    });
    return parseDpkg(stdout);
  } catch {
    // No dpkg: not a Debian, as a developer's machine may be.
    return null;
  }
}

/** What this machine runs on, as systemd tells: "kvm", "none". Null where it cannot be asked. */
export async function detectVirtual(): Promise<string | null> {
  try {
    // Code 1 goes with "none".
    return (await run('systemd-detect-virt', [], { okCodes: [0, 1], timeoutMs: LOOK_MS })).stdout.trim() || null;
  } catch {
    return null;
  }
}
