import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { Stream } from '../stream.ts';
import type { GuestAgent } from './guest-agent.ts';

/** The agent takes input only as a whole, with the command: it is gathered until its end, or given up when none has come by then. */
const INPUT_WAIT_MS = 300;
const INPUT_BYTES_MAX = 8 * 2 ** 20;
const POLL_FIRST_MS = 5;
const POLL_MAX_MS = 250;

const Info = z.object({ supported_commands: z.array(z.object({ name: z.string(), enabled: z.boolean() })) });
const Begun = z.object({ pid: z.number() });
const Status = z.object({
  'exited': z.boolean(),
  'exitcode': z.number().optional(),
  'signal': z.number().optional(),
  'out-data': z.string().optional(),
  'err-data': z.string().optional(),
  'out-truncated': z.boolean().optional(),
  'err-truncated': z.boolean().optional(),
});

/** Runs a program in a VM through its agent. Output comes when the program has ended: the agent keeps it until then. */
export async function execThroughAgent(agent: GuestAgent, command: readonly string[], clock: Clock): Promise<Stream> {
  const info = Info.parse(await agent.execute('guest-info'));
  if (!info.supported_commands.some(({ name, enabled }) => name === 'guest-exec' && enabled))
    throw new Problem('unsupported', 'the guest agent in this guest does not allow programs to be run', {
      suggestion: 'allow guest-exec in the settings of qemu-guest-agent (RHEL and its kin forbid it: /etc/sysconfig/qemu-ga)',
    });
  return new AgentCommand(agent, command, clock);
}

class AgentCommand implements Stream {
  readonly ended: Promise<{ readonly code: number }>;
  readonly #agent: GuestAgent;
  readonly #command: readonly string[];
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  readonly #input: Uint8Array[] = [];
  #inputBytes = 0;
  #begin: () => void = () => {};
  #cancelWait: () => void = () => {};
  #begun = false;
  #pid: number | null = null;
  #output: Array<readonly ['stdout' | 'stderr', Uint8Array]> = [];
  #receive: ((channel: 'stdout' | 'stderr', bytes: Uint8Array) => void) | null = null;
  #paused = false;
  #drained: () => void = () => {};

  constructor(agent: GuestAgent, command: readonly string[], clock: Clock) {
    this.#agent = agent;
    this.#command = command;
    this.#clock = clock;
    const mayBegin = new Promise<void>((resolve) => {
      this.#begin = resolve;
    });
    this.#cancelWait = clock.after(INPUT_WAIT_MS, () => this.#begin());
    this.ended = mayBegin.then(() => this.#run());
  }

  onOutput(receive: (channel: 'stdout' | 'stderr', bytes: Uint8Array) => void): void {
    this.#receive = receive;
    this.#drain();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#begun) {
      this.#say('the program has begun already, without this input: a VM takes input only before\n');
      return true;
    }
    this.#cancelWait();
    this.#inputBytes += bytes.length;
    if (this.#inputBytes <= INPUT_BYTES_MAX) this.#input.push(bytes);
    return true;
  }

  endInput(): void {
    this.#begin();
  }

  /** Without a terminal there is no window. */
  resize(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#drain();
  }

  close(): void {
    this.#closed.abort();
    this.#begin();
    this.#paused = false;
    this.#receive = () => {};
    this.#drain();
    // The agent has no command to end what it runs, and not every guest has a program `kill`; every shell has it built in.
    if (this.#pid === null) return;
    const kill = { path: 'sh', arg: ['-c', 'kill -KILL "$1"', 'sh', String(this.#pid)] };
    this.#agent.execute('guest-exec', kill).catch(() => {});
  }

  async #run(): Promise<{ readonly code: number }> {
    this.#begun = true;
    this.#cancelWait();
    if (this.#closed.signal.aborted) return { code: 130 };
    if (this.#inputBytes > INPUT_BYTES_MAX) return this.#fail(`more than ${INPUT_BYTES_MAX / 2 ** 20} MiB of input\n`, 1);
    const [path, ...arg] = this.#command;
    const input = this.#inputBytes === 0 ? {} : { 'input-data': Buffer.concat(this.#input).toString('base64') };
    try {
      const begun = await this.#agent.execute('guest-exec', { path, arg, 'capture-output': true, ...input }, 30_000);
      this.#pid = Begun.parse(begun).pid;
    } catch (error) {
      // As a shell does for a program that is not there.
      return this.#fail(`${Problem.from(error).message}\n`, 127);
    }
    if (this.#closed.signal.aborted) this.close();
    try {
      return await this.#follow(this.#pid);
    } catch (error) {
      return this.#fail(`${Problem.from(error).message}\n`, this.#closed.signal.aborted ? 130 : 255);
    }
  }

  async #follow(pid: number): Promise<{ readonly code: number }> {
    for (let waitMs = POLL_FIRST_MS; ; waitMs = Math.min(waitMs * 2, POLL_MAX_MS)) {
      const status = Status.parse(await this.#agent.execute('guest-exec-status', { pid }, 60_000));
      if (!status.exited) {
        await this.#clock.sleep(waitMs, this.#closed.signal);
        continue;
      }
      this.#pid = null;
      if (status['out-data']) this.#put('stdout', Buffer.from(status['out-data'], 'base64'));
      if (status['err-data']) this.#put('stderr', Buffer.from(status['err-data'], 'base64'));
      if (status['out-truncated'] || status['err-truncated'])
        this.#say('the output was longer than the guest agent keeps; its end is missing\n');
      await this.#allTaken();
      return { code: status.exitcode ?? 128 + (status.signal ?? 0) };
    }
  }

  async #fail(text: string, code: number): Promise<{ readonly code: number }> {
    this.#say(text);
    await this.#allTaken();
    return { code };
  }

  #say(text: string): void {
    this.#put('stderr', Buffer.from(`drover: ${text}`));
  }

  #put(channel: 'stdout' | 'stderr', bytes: Uint8Array): void {
    this.#output.push([channel, bytes]);
    this.#drain();
  }

  /** The exit code is told after the last byte of output, however slow the reader. */
  #allTaken(): Promise<void> {
    if (this.#output.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  #drain(): void {
    while (this.#receive && !this.#paused) {
      const next = this.#output.shift();
      if (!next) break;
      this.#receive(...next);
    }
    if (this.#output.length === 0) this.#drained();
  }
}
