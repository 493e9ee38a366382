import { spawn } from 'node:child_process';

/** One process of the fleet, which can be told where to end itself. */
export interface Part {
  readonly isRunning: () => boolean;
  readonly ended: Promise<void>;
  readonly output: () => string;
  /** Ends itself at its n-th step from now. */
  arm(step: number): Promise<void>;
  /** Counts its steps from now. */
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

export function startPart(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Part {
  const child = spawn(process.execPath, ['--enable-source-maps', file, ...args], {
    env: { ...process.env, DROVER_CRASH_AT: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
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
    arm: async (step) => void (await told(`arm ${step}`, /done arm/)),
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
