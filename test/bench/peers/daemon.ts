import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const PATIENCE_MS = 10_000;

/** A peer's daemon, started in the foreground; what it says goes to a file. */
export interface Daemon {
  readonly pid: number;
  end(signal: NodeJS.Signals): Promise<void>;
}

export function startDaemon(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Daemon {
  const log = openSync(join(tmpdir(), `${basename(program)}.log`), 'a');
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
  // Who waits for it to be ready finds out.
  child.on('error', () => {});
  return {
    pid: child.pid ?? 0,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
