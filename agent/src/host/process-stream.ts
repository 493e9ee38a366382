import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Stream } from '../drivers/stream.ts';

/** After a program ended, what it started in the background may hold its output open: nobody waits longer than this for more of it. */
const LAST_OUTPUT_MS = 250;

type Channel = 'stdout' | 'stderr';

export interface ProcessStreamOptions {
  readonly clock: Clock;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly resize?: (pid: number, columns: number, rows: number) => void;
}

/** A program of this host as a stream. Resolves once it runs; it has a process group of its own, which `close` kills whole. */
export function streamProcess(
  program: string,
  args: readonly string[],
  options: ProcessStreamOptions,
): Promise<{ stream: Stream; pid: number }> {
  const child = spawn(program, args, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: options.cwd ?? '/',
    env: { ...process.env, ...options.env },
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new Problem('host-failed', `${program} could not be run: ${cause.message}`, { cause, retryable: true })),
    );
    child.once('spawn', () => {
      const pid = child.pid ?? 0;
      resolve({ stream: streamOf(child, pid, options), pid });
    });
  });
}

function streamOf(child: ChildProcessByStdio<Writable, Readable, Readable>, pid: number, { clock, resize }: ProcessStreamOptions): Stream {
  const outputs = { stdout: child.stdout, stderr: child.stderr } as const;
  let receive: ((channel: Channel, bytes: Uint8Array) => void) | null = null;
  let isPaused = false;
  let hasEnded = false;
  let exitCode: number | null = null;
  let isAllHeard = false;
  let finish: (end: { readonly code: number }) => void = () => {};
  const ended = new Promise<{ readonly code: number }>((resolve) => {
    finish = resolve;
  });
  // What nobody takes yet is kept here: Node throws away what is left in the pipes of a program that has ended.
  const kept: { readonly channel: Channel; readonly bytes: Uint8Array }[] = [];

  function drain(): void {
    while (receive !== null && !isPaused) {
      const next = kept.shift();
      if (next === undefined) break;
      receive(next.channel, next.bytes);
    }
    const mayFlow = kept.length === 0 && !isPaused;
    for (const output of Object.values(outputs)) mayFlow ? output.resume() : output.pause();
    if (exitCode === null || !isAllHeard || kept.length > 0 || hasEnded) return;
    hasEnded = true;
    for (const output of Object.values(outputs)) output.destroy();
    finish({ code: exitCode });
  }

  for (const channel of ['stdout', 'stderr'] as const) {
    outputs[channel].on('error', () => {});
    outputs[channel].on('data', (bytes: Buffer) => {
      kept.push({ channel, bytes });
      drain();
    });
  }
  // A program may end without reading its input: its exit code says how it went, not the broken pipe.
  child.stdin.on('error', () => {});
  const allHeard = () => {
    isAllHeard = true;
    drain();
  };
  child.once('exit', (code, signal) => {
    exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    const cancel = clock.after(LAST_OUTPUT_MS, allHeard);
    child.once('close', () => {
      cancel();
      allHeard();
    });
  });
  return {
    ended,
    onOutput(callback) {
      receive = callback;
      drain();
    },
    write: (bytes) => (child.stdin.writable ? child.stdin.write(bytes) : true),
    endInput: () => child.stdin.end(),
    resize(columns, rows) {
      if (exitCode === null) resize?.(pid, columns, rows);
    },
    pause() {
      isPaused = true;
      drain();
    },
    resume() {
      isPaused = false;
      drain();
    },
    close() {
      // Nobody listens any more, so nothing is waited for.
      receive = () => {};
      isPaused = false;
      drain();
      if (exitCode !== null) return;
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // It ended just now.
      }
    },
  };
}
