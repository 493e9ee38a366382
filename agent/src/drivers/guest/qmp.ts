import { connect, type Socket } from 'node:net';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { createJsonLines } from './json-lines.ts';

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const QmpMessage = z.union([
  z.object({ QMP: z.unknown() }),
  z.object({ event: z.string(), data: z.record(z.string(), z.unknown()).default({}) }),
  z.object({ id: z.number(), return: z.unknown() }),
  z.object({ id: z.number(), error: z.object({ class: z.string(), desc: z.string() }) }),
]);

export interface QmpOptions {
  readonly clock: Clock;
  readonly onEvent: (event: QmpEvent) => void;
  readonly onClose: () => void;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (problem: Problem) => void;
  readonly cancelTimer: () => void;
}

/** One conversation with a QEMU monitor. Ends when either side closes; a new one is made then. */
export class QmpConnection {
  readonly #socket: Socket;
  readonly #options: QmpOptions;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #greeted: (() => void) | null = null;
  #closed = false;

  private constructor(socket: Socket, options: QmpOptions) {
    this.#socket = socket;
    this.#options = options;
    const take = createJsonLines((message) => this.#receive(message));
    socket.on('data', take);
    // The close that follows tells the same.
    socket.on('error', () => {});
    socket.on('close', () => this.#end());
  }

  /** Connects, hears the greeting and agrees on capabilities. Throws Problem when nobody listens or answers. */
  static async open(path: string, options: QmpOptions, greetingMs = 10_000): Promise<QmpConnection> {
    const socket = await connectSocket(path);
    const connection = new QmpConnection(socket, options);
    await new Promise<void>((resolve, reject) => {
      const cancel = options.clock.after(greetingMs, () => {
        reject(new Problem('timeout', 'QEMU does not answer on its monitor', { retryable: true }));
        connection.close();
      });
      connection.#greeted = () => {
        cancel();
        resolve();
      };
      socket.once('close', () => {
        cancel();
        reject(new Problem('host-failed', 'QEMU closed its monitor', { retryable: true }));
      });
    });
    try {
      await connection.execute('qmp_capabilities');
      return connection;
    } catch (error) {
      // Left open, it would keep QEMU from talking to the next.
      connection.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  /** Runs one command and gives what it returns. Throws Problem with QEMU's own words when it is refused. */
  execute(command: string, args: Readonly<Record<string, unknown>> = {}, timeoutMs = 10_000): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Problem('host-failed', 'QEMU has closed its monitor', { retryable: true }));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(timeoutMs, () => {
        this.#pending.delete(id);
        reject(new Problem('timeout', `QEMU did not answer ${command} within ${Math.round(timeoutMs / 1_000)} s`, { retryable: true }));
      });
      this.#pending.set(id, { command, resolve, reject, cancelTimer });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(raw: unknown): void {
    const parsed = QmpMessage.safeParse(raw);
    if (!parsed.success) return;
    const message = parsed.data;
    if ('QMP' in message) {
      this.#greeted?.();
      return;
    }
    if ('event' in message) {
      this.#options.onEvent(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    this.#pending.delete(message.id);
    pending.cancelTimer();
    if ('error' in message) pending.reject(new Problem('host-failed', `QEMU refused ${pending.command}: ${message.error.desc}`));
    else pending.resolve(message.return);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { command, reject, cancelTimer } of this.#pending.values()) {
      cancelTimer();
      reject(new Problem('host-failed', `QEMU closed its monitor before it answered ${command}`, { retryable: true }));
    }
    this.#pending.clear();
    this.#options.onClose();
  }
}

/** A connected stream socket, or a Problem (`not-found` when nobody listens there). */
export function connectSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (cause) =>
      reject(new Problem('not-found', `nobody listens on ${path}: ${cause.message}`, { cause, retryable: true })),
    );
  });
}
