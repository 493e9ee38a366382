import type { Socket } from 'node:net';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { createJsonLines } from './json-lines.ts';
import { connectSocket } from './qmp.ts';

const Answer = z.union([z.object({ return: z.unknown() }), z.object({ error: z.object({ class: z.string(), desc: z.string() }) })]);
type Answer = z.infer<typeof Answer>;

const SYNC_MS = 3_000;

/** The conversation with qemu-guest-agent in a guest: one question at a time, as its protocol has no reliable ids. */
export class GuestAgent {
  readonly #socket: Socket;
  readonly #clock: Clock;
  #receive: ((answer: unknown) => void) | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(socket: Socket, clock: Clock, onClose: () => void) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on(
      'data',
      createJsonLines((message) => this.#receive?.(message)),
    );
    // The close that follows tells the same.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#receive?.(null);
      onClose();
    });
  }

  /** Connects and makes sure that what is answered from now on answers us. */
  static async open(path: string, clock: Clock, onClose: () => void): Promise<GuestAgent> {
    const agent = new GuestAgent(await connectSocket(path), clock, onClose);
    try {
      const id = clock.now() % 1_000_000_000;
      // The leading byte makes the agent drop half a message that an earlier conversation left.
      agent.#socket.write(Buffer.from([0xff]));
      await agent.#ask('guest-sync-delimited', { id }, SYNC_MS, (answer) => 'return' in answer && answer.return === id);
      return agent;
    } catch (error) {
      agent.close();
      throw error;
    }
  }

  /** Runs one command of the agent's. Throws Problem with its words when it refuses. */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}, timeoutMs = 10_000): Promise<unknown> {
    const turn = this.#queue.then(() => this.#ask(command, args, timeoutMs, () => true));
    // The next question is asked however this one ends.
    this.#queue = turn.catch(() => {});
    const answer = await turn;
    if ('error' in answer) throw new Problem('host-failed', `the guest agent refused ${command}: ${answer.error.desc}`);
    return answer.return;
  }

  /** Says a command that is not answered when it succeeds. */
  tell(command: string, args: Readonly<Record<string, unknown>>): void {
    if (!this.#closed) this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(command: string, args: object, timeoutMs: number, isAnswer: (answer: Answer) => boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const finish = (done: () => void) => {
        cancel();
        this.#receive = null;
        done();
      };
      const fail = (problem: Problem) =>
        finish(() => {
          reject(problem);
          // Whatever comes later would be taken for the answer to another question.
          this.close();
        });
      const cancel = this.#clock.after(timeoutMs, () =>
        fail(
          new Problem('timeout', `the guest agent did not answer ${command} within ${Math.round(timeoutMs / 1_000)} s`, {
            retryable: true,
          }),
        ),
      );
      this.#receive = (raw) => {
        if (this.#closed) return fail(new Problem('host-failed', 'the guest agent has gone', { retryable: true }));
        const answer = Answer.safeParse(raw);
        if (answer.success && isAnswer(answer.data)) finish(() => resolve(answer.data));
      };
      if (this.#closed) return fail(new Problem('host-failed', 'the guest agent has gone', { retryable: true }));
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }
}
