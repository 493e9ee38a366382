import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerContender } from './containers/contender.ts';
import type { MeasureContext } from './containers/measure.ts';
import { cpuMs } from './cpu-time.ts';
import type { Measure } from './rows.ts';

const GUESTS = 50;
/** Addresses come, memory of the start is given back. */
const SETTLE_MS = 30_000;
/** As long as the agent takes from one look at everything to the next. */
const LOOK_MS = 60_000;

/** A process, by the measures that its memory and its processor time are taken for. */
export interface IdleProcess {
  readonly contender: string;
  readonly pid: number;
  readonly memory: Measure;
  readonly cpu: Measure;
}

/** What the processes cost that keep 50 containers each while nothing happens. */
export async function measureIdle(
  contenders: readonly ContainerContender[],
  processes: readonly IdleProcess[],
  { samples, say }: MeasureContext,
): Promise<void> {
  const names = Array.from({ length: GUESTS }, (_, index) => `idle-${index}`);
  for (const contender of contenders) {
    say(`${GUESTS} containers of ${contender.name} are started`);
    await Promise.all(
      names.map(async (name) => {
        await contender.create(name);
        await contender.start(name);
      }),
    );
  }
  await pause(SETTLE_MS);
  say(`idle for ${LOOK_MS / 1_000} s`);
  const before = processes.map(({ pid }) => cpuMs(pid));
  await pause(LOOK_MS);
  for (const [index, { contender, pid, memory, cpu }] of processes.entries()) {
    samples.add(cpu, contender, (100 * (cpuMs(pid) - (before[index] ?? 0))) / LOOK_MS);
    samples.add(memory, contender, memoryMiB(pid));
  }
  for (const contender of contenders) {
    await Promise.all(names.map((name) => contender.stop(name)));
    await Promise.all(names.map((name) => contender.remove(name)));
  }
}

/** The floor of any agent in Node: one that does nothing. */
export function startBareNode(): { readonly pid: number; end(): void } {
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 60_000)'], { stdio: 'ignore' });
  return { pid: child.pid ?? 0, end: () => child.kill() };
}

export function memoryMiB(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1_024;
}
