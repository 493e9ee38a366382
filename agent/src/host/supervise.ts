import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { run } from './shell.ts';

/** A program that outlives the agent. Can be kept in a file: the start time tells it from another process that got its number later. */
export const Supervised = z.strictObject({
  pid: z.number().int().min(1),
  /** Field 22 of /proc/<pid>/stat: clock ticks since the host booted. */
  startTicks: z.number().int(),
  /** Its transient systemd unit; null where systemd does not run the host. */
  unit: z.string().nullable(),
});
export type Supervised = z.infer<typeof Supervised>;

export interface SuperviseOptions {
  /** Name of the transient unit, without ".service". Unique on the host. */
  readonly unit: string;
  readonly slice: string;
  readonly description: string;
  /** stdout and stderr are appended to this file. */
  readonly logPath: string;
  /** What systemd ends when the main process has ended or the unit is stopped. */
  readonly killMode?: 'control-group' | 'mixed' | 'process';
  /** Hands the unit's cgroup to the program (LXC needs it). */
  readonly delegate?: boolean;
  /** More unit properties; ignored without systemd. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** When the program ends, its exit code is written to this file, agent or not. The pid is then that of the wrapper, which leads the program's session. */
  readonly exitCodePath?: string;
}

/** Every guest's unit is in it, and it is in drover.slice by its name. */
export const GUESTS_SLICE = 'drover-guests.slice';

/** What is the same for all units of ours. */
const PROPERTIES = {
  // When the host goes down, drover-guests.service ends guests in their order; nobody else may end one, or what it stands on, before that.
  Before: 'drover-guests.service',
  After: 'network.target remote-fs.target',
  CPUAccounting: 'yes',
  MemoryAccounting: 'yes',
  IOAccounting: 'yes',
} as const;

/** Writes the exit code next to the target first, so that a reader never sees half a number. */
const EXIT_CODE_WRAPPER = 'out=$1; shift; "$@"; code=$?; printf "%s\\n" "$code" > "$out.new" && mv -f "$out.new" "$out"';

/** Is systemd this host's first process? Only then are there units. */
export const hasSystemd = (): boolean => existsSync('/run/systemd/system');

/** Starts a program that goes on when the agent ends, in whatever way: in a systemd unit of its own, or in a session of its own. */
export async function supervise(program: string, args: readonly string[], options: SuperviseOptions): Promise<Supervised> {
  const argv =
    options.exitCodePath === undefined
      ? [program, ...args]
      : ['/bin/sh', '-c', EXIT_CODE_WRAPPER, 'sh', options.exitCodePath, program, ...args];
  return hasSystemd() ? startUnit(argv, options) : startSession(argv, options);
}

/** Does exactly this process still run? A zombie does not. Costs one read of /proc. */
export function isSupervisedAlive(process: { readonly pid: number; readonly startTicks: number }): boolean {
  return startTicksOf(process.pid) === process.startTicks;
}

/** Sends a signal to the program (with `group`, to its whole session's first group). False when it is gone already. */
export function killSupervised(supervised: Supervised, signal: NodeJS.Signals, group = false): boolean {
  if (!isSupervisedAlive(supervised)) return false;
  try {
    process.kill(group ? -supervised.pid : supervised.pid, signal);
    return true;
  } catch {
    // It ended between the look and the signal.
    return false;
  }
}

/** SIGKILL, and returns once it is gone. A process stuck in the kernel is a Problem after `deadlineMs`. */
export async function endSupervised(supervised: Supervised, clock: Clock, deadlineMs = 10_000): Promise<void> {
  killSupervised(supervised, 'SIGKILL', supervised.unit === null);
  await waitUntilGone(supervised, clock, deadlineMs);
}

/** Most processes end at once, and somebody waits for them: a look costs 20 µs. */
const QUICK_STEPS_MS = 200;

/** Returns once the process is gone. */
export async function waitUntilGone(supervised: Supervised, clock: Clock, deadlineMs: number): Promise<void> {
  const deadline = clock.now() + deadlineMs;
  const quickUntil = clock.now() + QUICK_STEPS_MS;
  while (isSupervisedAlive(supervised)) {
    if (clock.now() > deadline)
      throw new Problem('timeout', `process ${supervised.pid} does not end, even when killed`, {
        retryable: true,
        suggestion: 'a process that cannot be killed waits for a disk or a network file system: look at the kernel log of the host',
      });
    await clock.sleep(clock.now() < quickUntil ? 1 : 20);
  }
}

/** Start time of a living process in clock ticks since boot, or null. */
export function startTicksOf(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The program's name stands in parentheses and may contain anything, also parentheses and spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if ((fields[0] === 'Z' || fields[0] === 'X') && !hasThreads(pid)) return null;
  const ticks = Number(fields[19]);
  return Number.isInteger(ticks) ? ticks : null;
}

/** A process whose first thread has ended while others have not: its files and locks are still held. */
function hasThreads(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    // Reaped meanwhile.
    return false;
  }
}

function supervisedOf(pid: number, unit: string | null): Supervised | null {
  const startTicks = startTicksOf(pid);
  return startTicks === null ? null : { pid, startTicks, unit };
}

/** systemd expands $NAME in the words of a unit's command; $$ is a plain dollar. */
export const escapeUnitWord = (word: string): string => word.replaceAll('$', '$$$$');

export function systemdRunArguments(argv: readonly string[], options: SuperviseOptions): string[] {
  const properties: Record<string, string> = {
    KillMode: options.killMode ?? 'control-group',
    StandardOutput: `append:${options.logPath}`,
    StandardError: `append:${options.logPath}`,
    ...PROPERTIES,
    ...(options.delegate ? { Delegate: 'yes' } : {}),
    ...options.properties,
  };
  return [
    '--quiet',
    '--collect',
    '--service-type=exec',
    `--unit=${options.unit}.service`,
    `--slice=${options.slice}`,
    `--description=${options.description}`,
    ...Object.entries(properties).map(([name, value]) => `--property=${name}=${value}`),
    ...Object.entries(options.env ?? {}).map(([name, value]) => `--setenv=${name}=${value}`),
    '--',
    ...argv.map(escapeUnitWord),
  ];
}

async function startUnit(argv: readonly string[], options: SuperviseOptions): Promise<Supervised> {
  await run('systemd-run', systemdRunArguments(argv, options), { timeoutMs: 30_000 });
  const shown = await run('systemctl', ['show', '--property=MainPID', '--value', `${options.unit}.service`], { timeoutMs: 10_000 });
  const supervised = supervisedOf(Number(shown.stdout.trim()), options.unit);
  if (supervised === null) throw endedAtOnce(argv, options);
  return supervised;
}

async function startSession(argv: readonly string[], options: SuperviseOptions): Promise<Supervised> {
  const [program, ...args] = argv;
  const log = openSync(options.logPath, 'a', 0o600);
  try {
    const child = spawn(program ?? '', args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, LC_ALL: 'C', ...options.env },
    });
    child.unref();
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => {
        const missing = 'code' in cause && cause.code === 'ENOENT';
        reject(
          new Problem(
            missing ? 'unsupported' : 'host-failed',
            missing ? `the program ${program} is not installed on this host` : `${program} could not be run: ${cause.message}`,
            { cause, retryable: !missing },
          ),
        );
      });
    });
    const supervised = child.pid === undefined ? null : supervisedOf(child.pid, null);
    if (supervised === null) throw endedAtOnce(argv, options);
    return supervised;
  } finally {
    closeSync(log);
  }
}

function endedAtOnce(argv: readonly string[], options: SuperviseOptions): Problem {
  return new Problem('host-failed', `${argv[0]} ended as soon as it was started${lastLines(options.logPath)}`, { retryable: true });
}

/** The end of a log file as ": text", for a Problem's detail. */
export function lastLines(path: string, lines = 5): string {
  try {
    const text = readFileSync(path, 'utf8').trim().split('\n').slice(-lines).join('\n').slice(-2_000);
    return text === '' ? '' : `: ${text}`;
  } catch {
    // No log, nothing to quote.
    return '';
  }
}
