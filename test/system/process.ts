import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A real process of ours, whose output is kept for the moment a test fails. */
export interface RunningProcess {
  readonly output: () => string;
  readonly pid: number;
  /** Resolves when a line of output matches; rejects when the process ends before. */
  untilSays(pattern: RegExp): Promise<string>;
  /** Sends the signal and waits for the end; gives the exit code, null when it was killed. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  readonly ended: Promise<number | null>;
  readonly isRunning: () => boolean;
  /** Types, where its input was left open. */
  write(text: string): void;
}

export function launch(args: readonly string[], env: Readonly<Record<string, string>>, cwd: string): RunningProcess {
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  return follow(child, args.join(' '), 'exit');
}

/** Keeps what a child says. It has ended when it is gone (`exit`), or when nobody can write to its output any more either (`close`). */
export function follow(child: ChildProcess, title: string, end: 'exit' | 'close'): RunningProcess {
  let output = '';
  const listeners = new Set<() => void>();
  const take = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-200_000);
    for (const listener of listeners) listener();
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const ended = once(child, end).then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
  return {
    output: () => output,
    pid: child.pid ?? 0,
    ended,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    untilSays(pattern) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(output);
          if (!found) return;
          listeners.delete(look);
          resolve(found[0]);
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`${title} ended before it said ${pattern}:\n${output}`)));
      });
    },
    write: (text) => void child.stdin?.write(text),
    async end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
