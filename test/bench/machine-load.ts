import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** How busy the machine is with other things: figures taken on a busy one say little, ratios a bit more. */
export interface MachineLoad {
  readonly load1: number;
  /** Share of all cores that was idle for the moment of looking, in percent. */
  readonly idlePercent: number;
}

const LOOK_MS = 2_000;

export async function lookAtLoad(): Promise<MachineLoad> {
  const before = readCpu();
  await pause(LOOK_MS);
  const after = readCpu();
  const total = after.total - before.total;
  return {
    load1: Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]),
    idlePercent: total === 0 ? 100 : Math.round((100 * (after.idle - before.idle)) / total),
  };
}

export const inWords = ({ load1, idlePercent }: MachineLoad): string =>
  `load ${load1.toFixed(2)} on ${cpus().length} cores, ${idlePercent} % idle`;

function readCpu(): { readonly total: number; readonly idle: number } {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  return { total: fields.reduce((sum, ticks) => sum + ticks, 0), idle: (fields[3] ?? 0) + (fields[4] ?? 0) };
}
