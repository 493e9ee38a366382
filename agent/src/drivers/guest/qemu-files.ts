import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { VmSpec } from '@drover/shared/model/guest';
import { z } from 'zod';
import { readTextIfThere, writeFileDurably } from '../../host/durable-file.ts';
import { makeFolders } from '../../host/folder.ts';
import { Supervised, startTicksOf } from '../../host/supervise.ts';
import { qmpSocketPath } from './qemu-command.ts';
import { qemuOption } from './qemu-option.ts';

/** machine.json in the guest's run folder: the process that runs it, and what it was started with. */
export const MachineRecord = z.strictObject({
  v: z.literal(1),
  /** The guest's own folder. */
  folder: z.string(),
  spec: VmSpec,
  accelerator: z.enum(['kvm', 'tcg']),
  /** Null until the process has been started: if the agent ends between the two, the process is found by its command line. */
  supervised: Supervised.nullable(),
});
export type MachineRecord = z.infer<typeof MachineRecord>;

/** A unix socket's address has room for this many bytes. */
const SOCKET_PATH_BYTES_MAX = 107;

export const runFolderOf = (runPath: string, id: number): string => join(runPath, String(id));

/** Makes an empty run folder. */
export function makeRunFolder(folder: string): void {
  if (Buffer.byteLength(join(folder, 'serial.sock')) > SOCKET_PATH_BYTES_MAX)
    throw new Problem('unsupported', `the path ${folder} is too long for the sockets in it`, {
      suggestion: 'set a shorter runPath in agent.json',
    });
  rmSync(folder, { recursive: true, force: true });
  makeFolders(dirname(folder), 0o711);
  makeFolders(folder, 0o700);
}

export const removeRunFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

export function readMachineRecord(runFolder: string): MachineRecord | null {
  const text = readTextIfThere(join(runFolder, 'machine.json'));
  if (text === null) return null;
  try {
    return MachineRecord.parse(JSON.parse(text));
  } catch {
    // Written by another version of the agent: the process is then found by its command line.
    return null;
  }
}

export function writeMachineRecord(runFolder: string, record: MachineRecord): void {
  writeFileDurably(join(runFolder, 'machine.json'), JSON.stringify(record), { flush: false });
}

/** Ids of guests with a run folder of ours. */
export function listRunFolders(runPath: string): number[] {
  try {
    return readdirSync(runPath)
      .filter((name) => /^[1-9]\d{2,6}$/.test(name) && readTextIfThere(join(runPath, name, 'machine.json')) !== null)
      .map(Number);
  } catch {
    // No folder yet: nothing was ever started.
    return [];
  }
}

/** The QEMU that serves this run folder's monitor, by the command lines of all processes. For the rare case that its number was not recorded. */
export function findQemuProcess(runFolder: string): Supervised | null {
  const monitor = qemuOption('socket', { id: 'qmp', path: qmpSocketPath(runFolder), server: true, wait: false });
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const words = commandLineOf(pid);
    if (!words.includes(monitor) || !/(^|\/)qemu-system-[^/]*$/.test(words[0] ?? '')) continue;
    const startTicks = startTicksOf(pid);
    if (startTicks !== null) return { pid, startTicks, unit: null };
  }
  return null;
}

function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // It ended while we were looking.
    return [];
  }
}
