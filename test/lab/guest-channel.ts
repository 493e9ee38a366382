import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { GuestAgent } from '../../agent/src/drivers/guest/guest-agent.ts';
import { agentPath } from './qemu.ts';
import { until } from './until.ts';

export interface ExecOptions {
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
}

export interface ExecResult {
  /** As a shell counts: 128 and the signal's number for a program that was killed. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The agent listens to one process at a time: the conversation ends as soon as nothing is asked, also between two looks at a long command. */
const IDLE_MS = 150;
const OPEN_MS = 20_000;
const CHUNK_BYTES = 2 ** 20;
const ENVIRONMENT = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'LANG=C.UTF-8', 'TERM=dumb'];

const Begun = z.object({ pid: z.number() });
const Status = z.object({
  'exited': z.boolean(),
  'exitcode': z.number().optional(),
  'signal': z.number().optional(),
  'out-data': z.string().default(''),
  'err-data': z.string().default(''),
  'out-truncated': z.boolean().default(false),
  'err-truncated': z.boolean().default(false),
});
const Handle = z.number();
const Piece = z.object({ 'buf-b64': z.string().default(''), 'eof': z.boolean() });

/** The lab's way into a host: its qemu-guest-agent, over a channel of its own, so that it works whatever becomes of the host's network. */
export class GuestChannel {
  readonly #folder: string;
  #agent: GuestAgent | null = null;
  #opening: Promise<GuestAgent> | null = null;
  #asking = 0;
  #cancelClose: () => void = () => {};

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Waits so long for the host to answer at all. */
  async ask(command: string, args: Readonly<Record<string, unknown>> = {}, openMs = OPEN_MS): Promise<unknown> {
    this.#cancelClose();
    this.#asking++;
    try {
      const agent = await this.#open(openMs);
      return await agent.execute(command, args, 60_000);
    } finally {
      this.#asking--;
      if (this.#asking === 0) this.#cancelClose = realClock.after(IDLE_MS, () => this.close());
    }
  }

  close(): void {
    this.#agent?.close();
    this.#agent = null;
  }

  async exec(command: readonly string[], { input, timeoutMs = 120_000 }: ExecOptions = {}): Promise<ExecResult> {
    const [path, ...arg] = command;
    if (path === undefined) throw new Problem('bad-request', 'no command was given');
    const begun = await this.ask('guest-exec', {
      path,
      arg,
      'env': ENVIRONMENT,
      'capture-output': true,
      ...(input === undefined ? {} : { 'input-data': Buffer.from(input).toString('base64') }),
    });
    const { pid } = Begun.parse(begun);
    const deadline = realClock.now() + timeoutMs;
    for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 1.5, 2 * IDLE_MS)) {
      const status = Status.parse(await this.ask('guest-exec-status', { pid }));
      if (status.exited) return resultOf(status, path);
      if (realClock.now() > deadline) {
        await this.ask('guest-exec', { path: 'kill', arg: ['-KILL', String(pid)] });
        throw new Problem('timeout', `${command.join(' ')} did not end within ${Math.round(timeoutMs / 1_000)} s`);
      }
      await realClock.sleep(pauseMs);
    }
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const handle = Handle.parse(await this.ask('guest-file-open', { path, mode: 'w' }));
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const piece = Buffer.from(bytes.subarray(at, at + CHUNK_BYTES)).toString('base64');
      await this.ask('guest-file-write', { handle, 'buf-b64': piece });
    }
    await this.ask('guest-file-close', { handle });
  }

  async readFile(path: string): Promise<Buffer> {
    const handle = Handle.parse(await this.ask('guest-file-open', { path, mode: 'r' }));
    const pieces: Buffer[] = [];
    for (let eof = false; !eof; ) {
      const piece = Piece.parse(await this.ask('guest-file-read', { handle, count: CHUNK_BYTES }));
      pieces.push(Buffer.from(piece['buf-b64'], 'base64'));
      eof = piece.eof;
    }
    await this.ask('guest-file-close', { handle });
    return Buffer.concat(pieces);
  }

  /** Nanoseconds since 1970, by the host's clock; costs no process in it. */
  async timeNs(): Promise<number> {
    return z.number().parse(await this.ask('guest-get-time'));
  }

  async #open(openMs: number): Promise<GuestAgent> {
    if (this.#agent) return this.#agent;
    this.#opening ??= until('the host answers', openMs, () =>
      GuestAgent.open(agentPath(this.#folder), realClock, () => {
        this.#agent = null;
      }),
    ).finally(() => {
      this.#opening = null;
    });
    this.#agent = await this.#opening;
    return this.#agent;
  }
}

function resultOf(status: z.infer<typeof Status>, path: string): ExecResult {
  if (status['out-truncated'] || status['err-truncated'])
    throw new Problem('too-large', `${path} said more than the agent keeps (16 MiB)`, { suggestion: 'send it to a file, and copy that' });
  const text = (data: string) => Buffer.from(data, 'base64').toString('utf8');
  const code = status.exitcode ?? (status.signal === undefined ? 1 : 128 + status.signal);
  return { code, stdout: text(status['out-data']), stderr: text(status['err-data']) };
}
