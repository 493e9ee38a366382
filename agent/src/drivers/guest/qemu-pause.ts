import { z } from 'zod';
import type { PausedGuest } from './driver.ts';

/** What `query-block` tells of each disk; one that a guest was stopped for has a status other than "ok". */
export const BlockDevices = z.array(
  z.object({
    'io-status': z.enum(['ok', 'failed', 'nospace']).optional(),
    'inserted': z.object({ 'node-name': z.string().optional() }).optional(),
  }),
);
export type BlockDevices = z.infer<typeof BlockDevices>;

/** Why a guest stands still whose QEMU is in this state; null where it goes on, or has come to its end. Pure. */
export function pauseOf(status: string, devices: BlockDevices): Omit<PausedGuest, 'sinceMs'> | null {
  switch (status) {
    case 'io-error':
      return { cause: 'disk', reason: ioErrorOf(devices) };
    case 'paused':
      return { cause: 'other', reason: 'QEMU was told to pause it' };
    case 'suspended':
      return { cause: 'other', reason: 'it has put itself to sleep' };
    case 'prelaunch':
      return { cause: 'other', reason: 'it was reset while it stood still' };
    default:
      return null;
  }
}

/** QEMU stops a guest rather than tell it that there is no room: the guest would take its file system for broken. */
function ioErrorOf(devices: BlockDevices): string {
  const device = devices.find((candidate) => candidate['io-status'] === 'nospace' || candidate['io-status'] === 'failed');
  const name = device?.inserted?.['node-name']?.replace(/^disk-/, '');
  const disk = name === undefined ? 'a disk' : `disk ${name}`;
  return device?.['io-status'] === 'nospace' ? `the storage of ${disk} is full` : `${disk} cannot be read or written`;
}
