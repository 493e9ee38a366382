import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** One process of the fleet, which can be told where to end itself. */
export interface Part {
  readonly isRunning: () => boolean;
  readonly ended: Promise<void>;
  readonly output: () => string;
  /** Ends itself, or stops, at its n-th step from now, or at the first one of that name. */
  doom(what: 'crash' | 'hold', at: number | string): Promise<void>;
  /** What became of that, in its own words; null: nothing yet. */
  fate(): string | null;
  /** Settles once it has stopped there, or ended. */
  held(): Promise<void>;
  /** Counts its steps from now, and forgets what it was doomed to. */
  count(): Promise<void>;
  /** What was counted. */
  steps(): Promise<readonly string[]>;
  /** Sets its clock ahead. */
  setClock(aheadMs: number): Promise<void>;
  /** Begins and ends to suffer from something. */
  suffer(trouble: string): Promise<void>;
  recover(trouble: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  untilSays(pattern: RegExp): Promise<void>;
}

const FATE = /^(ended|held) at step .*$/m;

const LOOK_MS = 5;

const isStopped = (pid = 0): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

export function startPart(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Part {
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, DROVER_CRASH_AT: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let doomedFrom = 0;
  let looks: (() => void)[] = [];
  const look = () => {
    const due = looks;
    looks = [];
    for (const each of due) each();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      look();
    });
  }
  // It may be gone before it reads what it is told.
  child.stdin.on('error', () => {});
  let isRunning = true;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      isRunning = false;
      resolve();
    });
    child.once('close', look);
  });

  async function said(pattern: RegExp, from: number): Promise<RegExpExecArray | null> {
    for (;;) {
      const found = pattern.exec(output.slice(from));
      if (found || !isRunning) return found;
      await new Promise<void>((resolve) => looks.push(resolve));
    }
  }
  async function told(line: string, answer: RegExp): Promise<RegExpExecArray | null> {
    const from = output.length;
    child.stdin.write(`${line}\n`);
    return said(answer, from);
  }
  return {
    isRunning: () => isRunning,
    ended,
    output: () => output,
    async doom(what, at) {
      doomedFrom = output.length;
      await told(`${what} ${at}`, /done (crash|hold)/);
    },
    fate: () => FATE.exec(output.slice(doomedFrom))?.[0] ?? null,
    async held() {
      if ((await said(FATE, doomedFrom))?.[1] !== 'held') return;
      // It says so just before: who lets it go on too early is not heard.
      while (isRunning && !isStopped(child.pid)) await pause(LOOK_MS);
    },
    count: async () => void (await told('count', /done count/)),
    steps: async () => JSON.parse((await told('steps', /^steps (.*)$/m))?.[1] ?? '[]'),
    setClock: async (aheadMs) => void (await told(`clock ${aheadMs}`, /done clock/)),
    suffer: async (trouble) => void (await told(`suffer ${trouble}`, /done suffer/)),
    recover: async (trouble) => void (await told(`recover ${trouble}`, /done recover/)),
    signal: (signal) => void child.kill(signal),
    async untilSays(pattern) {
      if (!(await said(pattern, 0))) throw new Error(`${file} ended before it said ${pattern}:\n${output.slice(-4_000)}`);
    },
  };
}
