import { readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Stream } from '../drivers/stream.ts';
import { streamProcess } from './process-stream.ts';
import { run } from './shell.ts';
import { startTicksOf } from './supervise.ts';

/** Milliseconds on most hosts; seconds on one whose processor is emulated. */
const OPEN_DEADLINE_MS = 20_000;
/** Not a size that people use, but better than 0 × 0 until the terminal says its own. */
const FIRST_SIZE = { columns: 80, rows: 24 };

export interface PtyOptions {
  readonly clock: Clock;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The program passes everything on to a terminal of its own (lxc-attach): returns once it has taken this one over, since it throws away
   * what was typed before, and keeps this one from treating line ends a second time.
   */
  readonly passesOn?: boolean;
}

/**
 * Runs a program on a terminal of its own. script(1) from util-linux makes the terminal, as the agent has no native code; it runs a line of
 * shell, so that line has only numbers in it and the program's words come by the environment.
 */
export async function openPty(program: string, args: readonly string[], options: PtyOptions): Promise<Stream> {
  const { line, env } = shellLine([program, ...args]);
  let size = FIRST_SIZE;
  let terminal: string | null = null;
  const apply = () => {
    // A terminal that has just been closed has no size to set.
    if (terminal !== null) setSize(terminal, size).catch(() => {});
  };
  // Set by the line itself, so that the program never sees a terminal without a size.
  const sized = `stty rows ${FIRST_SIZE.rows} cols ${FIRST_SIZE.columns}; ${line}`;
  const { stream, pid } = await streamProcess('script', ['--quiet', '--return', '--flush', '--command', sized, '/dev/null'], {
    clock: options.clock,
    env: { ...options.env, ...env, SHELL: '/bin/sh' },
    resize(_pid, columns, rows) {
      size = { columns, rows };
      apply();
    },
  });
  const deadline = options.clock.now() + OPEN_DEADLINE_MS;
  while (startTicksOf(pid) !== null) {
    terminal = terminalOf(pid);
    if (terminal !== null && (!options.passesOn || (await isRaw(terminal)))) break;
    if (options.clock.now() > deadline) {
      stream.close();
      throw new Problem('host-failed', 'no terminal could be opened on the host', { retryable: true });
    }
    await options.clock.sleep(2);
  }
  if (terminal !== null) await setSize(terminal, size, options.passesOn ? ['-opost'] : []).catch(() => {});
  return stream;
}

/** `exec "$DROVER_WORD_0" "$DROVER_WORD_1"…` and the words, each under its own name. */
export function shellLine(words: readonly string[]): { readonly line: string; readonly env: Readonly<Record<string, string>> } {
  const named = words.map((word, index) => [`DROVER_WORD_${index}`, word] as const);
  return { line: `exec ${named.map(([name]) => `"$${name}"`).join(' ')}`, env: Object.fromEntries(named) };
}

/** The terminal that script(1) gave to the program it runs. */
function terminalOf(scriptPid: number): string | null {
  try {
    for (const child of readFileSync(`/proc/${scriptPid}/task/${scriptPid}/children`, 'latin1').trim().split(' ')) {
      const terminal = child === '' ? '' : readlinkSync(`/proc/${child}/fd/0`);
      if (/^\/dev\/pts\/\d+$/.test(terminal)) return terminal;
    }
  } catch {
    // Not there yet, or gone again: the caller looks once more.
  }
  return null;
}

async function isRaw(terminal: string): Promise<boolean> {
  const { stdout } = await run('stty', ['-F', terminal, '-a'], { timeoutMs: 5_000, okCodes: [0, 1] });
  return stdout.includes('-icanon');
}

async function setSize(
  terminal: string,
  { columns, rows }: { readonly columns: number; readonly rows: number },
  more: readonly string[] = [],
): Promise<void> {
  const bounded = (value: number) => String(Math.min(Math.max(Math.trunc(value) || 1, 1), 10_000));
  await run('stty', ['-F', terminal, ...more, 'rows', bounded(rows), 'cols', bounded(columns)], { timeoutMs: 5_000 });
}
