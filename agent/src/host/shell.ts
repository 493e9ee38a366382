import { spawn } from 'node:child_process';
import { Problem } from '@drover/shared/lib/problem';

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Lines of stdout and stderr as they come. */
  readonly onLine?: (line: string) => void;
  /** Exit codes that are answers, not failures. */
  readonly okCodes?: readonly number[];
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const OUTPUT_CHARS_MAX = 4 * 2 ** 20;

/** Runs one program to its end: argv only, never a shell line; its own process group, which is killed whole on abort or timeout. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { signal, timeoutMs = 600_000, okCodes = [0] } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Problem('cancelled', `${program} was not begun`, { cause: signal.reason }));
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C', ...options.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let ended: 'timeout' | 'cancelled' | null = null;
    const partial = { stdout: '', stderr: '' };
    const timer = setTimeout(() => kill('timeout'), timeoutMs);
    const aborted = () => kill('cancelled');
    signal?.addEventListener('abort', aborted, { once: true });
    const kill = (why: 'timeout' | 'cancelled') => {
      ended ??= why;
      try {
        if (child.pid) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is already gone: that is what was wanted.
      }
    };
    const take = (channel: 'stdout' | 'stderr') => (chunk: string) => {
      if (channel === 'stdout') stdout = (stdout + chunk).slice(-OUTPUT_CHARS_MAX);
      else stderr = (stderr + chunk).slice(-OUTPUT_CHARS_MAX);
      if (!options.onLine) return;
      const lines = (partial[channel] + chunk).split(/\r?\n|\r/);
      partial[channel] = (lines.pop() ?? '').slice(-10_000);
      for (const line of lines) options.onLine(line);
    };
    child.stdout.setEncoding('utf8').on('data', take('stdout'));
    child.stderr.setEncoding('utf8').on('data', take('stderr'));
    // A program that does not read its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
    };
    child.on('error', (cause) => {
      finish();
      const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
      reject(
        new Problem(
          missing ? 'unsupported' : 'host-failed',
          missing ? `the program ${program} is not installed on this host` : `${program} could not be run: ${cause.message}`,
          { cause, retryable: !missing },
        ),
      );
    });
    child.on('close', (code, signalName) => {
      finish();
      if (ended === 'timeout')
        return reject(new Problem('timeout', `${program} did not end within ${Math.round(timeoutMs / 1000)} s`, { retryable: true }));
      if (ended === 'cancelled') return reject(new Problem('cancelled', `${program} was cancelled`));
      if (code !== null && okCodes.includes(code)) return resolve({ code, stdout, stderr });
      const said = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join('\n').slice(-2_000);
      reject(
        new Problem(
          'host-failed',
          `${program} ${code === null ? `was killed by ${signalName}` : `ended with code ${code}`}${said ? `: ${said}` : ''}`,
          { retryable: true },
        ),
      );
    });
  });
}
