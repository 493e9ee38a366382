import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerContender } from './containers/contender.ts';
import type { MeasureContext } from './containers/measure.ts';

const GUESTS = 50;
/** Addresses come, memory of the start is given back. */
const SETTLE_MS = 15_000;
const LOOK_MS = 30_000;
const TICKS_PER_S = 100;

/** What Drover's own processes cost while 50 containers run and nothing happens. */
export async function measureIdle(
  drover: ContainerContender,
  pids: { readonly agent: number; readonly controlPlane: number },
  { samples, say }: MeasureContext,
): Promise<void> {
  const names = Array.from({ length: GUESTS }, (_, index) => `idle-${index}`);
  say(`${GUESTS} containers are started`);
  await Promise.all(
    names.map(async (name) => {
      await drover.create(name);
      await drover.start(name);
    }),
  );
  await pause(SETTLE_MS);
  say(`idle for ${LOOK_MS / 1_000} s`);
  const before = { agent: cpuTicks(pids.agent), controlPlane: cpuTicks(pids.controlPlane) };
  await pause(LOOK_MS);
  const percent = (ticks: number) => (100 * ticks * 1_000) / TICKS_PER_S / LOOK_MS;
  samples.add('agent cpu', drover.name, percent(cpuTicks(pids.agent) - before.agent));
  samples.add('control plane cpu', drover.name, percent(cpuTicks(pids.controlPlane) - before.controlPlane));
  samples.add('agent memory', drover.name, memoryMiB(pids.agent));
  samples.add('control plane memory', drover.name, memoryMiB(pids.controlPlane));
  await Promise.all(names.map((name) => drover.stop(name)));
  await Promise.all(names.map((name) => drover.remove(name)));
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function memoryMiB(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1_024;
}
