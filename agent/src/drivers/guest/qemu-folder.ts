import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { publishFile } from '../../host/durable-file.ts';
import { efiVariablesPath, type QemuHost, serialLogPath } from './qemu-command.ts';

/** The files that a VM has in its own folder, besides its disks, guest.json and run.json. */

const SERIAL_LOG_BYTES_MAX = 4 * 2 ** 20;
const OURS = /^(uuid|efi-variables\.fd|seed-[0-9a-f]{12}\.img|seed|serial\.log|qemu\.log)(\.new|\.1)?$/;

/** What QEMU itself has to say. */
export const qemuLogPath = (folder: string): string => join(folder, 'qemu.log');

/** The guest's own copy of the firmware's variables: boot entries that its system writes are kept there. */
export function ensureEfiVariables(folder: string, host: QemuHost): void {
  const path = efiVariablesPath(folder);
  if (existsSync(path)) return;
  if (host.uefi === null)
    throw new Problem('unsupported', 'UEFI firmware (package ovmf) is not installed on this host', { field: 'firmware' });
  copyFileSync(host.uefi.varsPath, `${path}.new`);
  publishFile(`${path}.new`, path);
}

/** Each run has logs of its own, which nobody else may read: a console shows secrets. Those of the run before are kept. */
export function rotateLogs(folder: string): void {
  for (const path of [serialLogPath(folder), qemuLogPath(folder)]) {
    if (existsSync(path)) renameSync(path, `${path}.1`);
    writeFileSync(path, '', { mode: 0o600 });
  }
}

/** A running guest's serial log is cut when it has grown too long: QEMU appends, so it goes on at the start. */
export function boundSerialLog(folder: string): void {
  const path = serialLogPath(folder);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= SERIAL_LOG_BYTES_MAX) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
}

export function removeGuestFiles(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (OURS.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
}
