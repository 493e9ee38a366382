import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Stream } from '../stream.ts';
import { connectSocket } from './qmp.ts';

/** What a new onlooker is shown of the past. */
const HISTORY_BYTES = 8_192;
/** What is kept for one who reads too slowly; beyond it the oldest is dropped: the guest and other onlookers do not wait. */
const BACKLOG_BYTES_MAX = 256 * 1_024;

interface Onlooker {
  take(bytes: Uint8Array): void;
  end(): void;
}

/** A guest's serial port for any number of people. QEMU talks to one reader at a time, so the connection is shared, and made only while somebody looks. */
export class SerialConsole {
  readonly #socketPath: string;
  readonly #logPath: string;
  readonly #onlookers = new Set<Onlooker>();
  #socket: Promise<Socket> | null = null;

  constructor(socketPath: string, logPath: string) {
    this.#socketPath = socketPath;
    this.#logPath = logPath;
  }

  async attach(): Promise<Stream> {
    const socket = await this.#connect();
    const { stream, onlooker } = createConsoleStream(socket, () => {
      this.#onlookers.delete(onlooker);
      if (this.#onlookers.size === 0) socket.destroy();
    });
    onlooker.take(tailOf(this.#logPath, HISTORY_BYTES));
    this.#onlookers.add(onlooker);
    return stream;
  }

  close(): void {
    this.#socket?.then(
      (socket) => socket.destroy(),
      () => {},
    );
  }

  #connect(): Promise<Socket> {
    this.#socket ??= connectSocket(this.#socketPath).then(
      (socket) => {
        socket.on('data', (bytes) => {
          for (const onlooker of this.#onlookers) onlooker.take(bytes);
        });
        // The close that follows tells the same.
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#socket = null;
          for (const onlooker of [...this.#onlookers]) onlooker.end();
          this.#onlookers.clear();
        });
        return socket;
      },
      (error) => {
        this.#socket = null;
        throw error;
      },
    );
    return this.#socket;
  }
}

function createConsoleStream(socket: Socket, leave: () => void): { stream: Stream; onlooker: Onlooker } {
  let receive: ((channel: 'stdout' | 'stderr', bytes: Uint8Array) => void) | null = null;
  let paused = false;
  let backlog: Uint8Array[] = [];
  let backlogBytes = 0;
  let finish: (value: { readonly code: number }) => void = () => {};
  const ended = new Promise<{ readonly code: number }>((resolve) => {
    finish = resolve;
  });

  function drain(): void {
    while (receive && !paused && backlog.length > 0) {
      const bytes = backlog.shift() ?? new Uint8Array();
      backlogBytes -= bytes.length;
      receive('stdout', bytes);
    }
  }

  const onlooker: Onlooker = {
    take(bytes) {
      backlog.push(bytes);
      backlogBytes += bytes.length;
      while (backlogBytes > BACKLOG_BYTES_MAX && backlog.length > 1) backlogBytes -= backlog.shift()?.length ?? 0;
      drain();
    },
    end() {
      paused = false;
      drain();
      finish({ code: 0 });
    },
  };
  const stream: Stream = {
    onOutput(callback) {
      receive = callback;
      drain();
    },
    ended,
    write: (bytes) => socket.write(bytes),
    // A serial port has no end of input and no window size.
    endInput() {},
    resize() {},
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      drain();
    },
    close() {
      backlog = [];
      leave();
      finish({ code: 0 });
    },
  };
  return { stream, onlooker };
}

/** The end of a file, from the start of a line on. */
function tailOf(path: string, bytesMax: number): Uint8Array {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Nothing was said yet.
    return new Uint8Array();
  }
  try {
    const { size } = fstatSync(file);
    const length = Math.min(size, bytesMax);
    const tail = Buffer.alloc(length);
    const read = readSync(file, tail, 0, length, size - length);
    const whole = tail.subarray(0, read);
    return size > bytesMax ? whole.subarray(whole.indexOf(0x0a) + 1) : whole;
  } finally {
    closeSync(file);
  }
}
