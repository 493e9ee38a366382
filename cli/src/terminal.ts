/** Where the command line reads and writes: the process's own streams, or a test's. */
export interface Terminal {
  /** What was asked for: goes into pipes and files. */
  out(text: string): void;
  /** Everything else: progress, notes, errors. */
  err(text: string): void;
  /** Somebody looks at `out` / at `err` / can answer. */
  readonly isOutTty: boolean;
  readonly isErrTty: boolean;
  readonly isInTty: boolean;
  readonly columns: number;
  readonly hasColour: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks on the terminal; only with `isInTty`. */
  ask(question: string): Promise<string>;
  /** The same for a secret: what is typed is not shown. */
  askUnseen(question: string): Promise<string>;
  /** The next line of standard input, without its end; '' where there is none. */
  inputLine(): Promise<string>;
}

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  let lines: Promise<string[]> | null = null;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    isOutTty: stdout.isTTY === true,
    isErrTty: stderr.isTTY === true,
    isInTty: stdin.isTTY === true,
    get columns() {
      return stdout.columns ?? stderr.columns ?? 80;
    },
    hasColour: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    env,
    async ask(question) {
      const { createInterface } = await import('node:readline/promises');
      const asking = createInterface({ input: stdin, output: stderr });
      return asking.question(question).finally(() => asking.close());
    },
    async askUnseen(question) {
      const [{ createInterface }, { Writable }] = await Promise.all([import('node:readline/promises'), import('node:stream')]);
      const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
      stderr.write(question);
      const asking = createInterface({ input: stdin, output: nowhere, terminal: true });
      // Ctrl-C ends us, as it would where it is shown.
      asking.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      return asking.question('').finally(() => {
        asking.close();
        stderr.write('\n');
      });
    },
    async inputLine() {
      lines ??= readAll(stdin).then((text) => text.split(/\r?\n/));
      return (await lines).shift() ?? '';
    },
  };
}

async function readAll(stream: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** How this person calls us. */
export const ownName = (terminal: Terminal): string => (terminal.env.npm_command === 'exec' ? 'npx drover' : 'drover');
