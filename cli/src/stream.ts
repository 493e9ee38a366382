import type { StreamView } from '@drover/shared/api/views';
import { createEscape } from '@drover/shared/lib/escape';
import { RelayControl, STREAM } from '@drover/shared/protocol/relay';
import WebSocket from 'ws';
import { messageOf, type Target } from './contexts.ts';
import { CliError } from './error.ts';
import { enterRawMode } from './raw-terminal.ts';

const BUFFERED_BYTES_MAX = 1 << 20;
const CONNECT_MS = 30_000;

export interface StreamOptions {
  /** Keys go through one by one, and the window's size with them. */
  readonly isTerminal: boolean;
  /** Ctrl-] q leaves. */
  readonly hasEscape: boolean;
  readonly readsInput: boolean;
}

/** Joins this process's streams with an exec or a console, through the relay. Resolves to the exit code. */
export function joinStream(target: Target, stream: StreamView, options: StreamOptions): Promise<number> {
  const socket = new WebSocket(webSocketUrl(target, stream.url), { handshakeTimeout: CONNECT_MS, perMessageDeflate: false });
  socket.binaryType = 'nodebuffer';
  return new Promise<number>((resolve, reject) => {
    let undo: () => void = () => undefined;
    let isOver = false;
    const finish = (end: () => void) => {
      if (isOver) return;
      isOver = true;
      undo();
      end();
      socket.close();
    };
    socket.on('open', () => {
      undo = attach(socket, options, () => finish(() => resolve(0)));
    });
    socket.on('message', (frame: Buffer, isBinary: boolean) => {
      if (isOver) return;
      if (isBinary) return show(socket, frame);
      const control = parseControl(frame.toString('utf8'));
      if (control?.do === 'exit') return finish(() => resolve(control.code));
      if (control?.do === 'failed') finish(() => reject(new CliError('failed', control.detail)));
    });
    socket.on('error', (error) =>
      finish(() => reject(new CliError('unreachable', `the stream could not be opened: ${messageOf(error)}`, { cause: error }))),
    );
    socket.on('close', (_code, reason) => {
      const why = reason.toString('utf8');
      finish(() => reject(new CliError('failed', `the connection to the guest ended${why ? `: ${why}` : ' before the command did'}`)));
    });
  });
}

/** Relay addresses may be whole, or paths of the control plane. */
export function webSocketUrl(target: Target, url: string): URL {
  const address = new URL(url, target.url);
  if (address.protocol === 'http:') address.protocol = 'ws:';
  if (address.protocol === 'https:') address.protocol = 'wss:';
  return address;
}

/** Sends what is typed or piped in, and the window's size; gives the way back. */
function attach(socket: WebSocket, options: StreamOptions, leave: () => void): () => void {
  const { stdin, stdout } = process;
  const restore = options.isTerminal ? enterRawMode() : () => undefined;
  const findEscape = options.hasEscape ? createEscape() : null;
  const send = (bytes: Uint8Array) => {
    const frame = new Uint8Array(bytes.length + 1);
    frame[0] = STREAM.stdin;
    frame.set(bytes, 1);
    socket.send(frame, () => {
      if (socket.bufferedAmount < BUFFERED_BYTES_MAX) stdin.resume();
    });
    // Input comes no faster than it can be sent.
    if (socket.bufferedAmount >= BUFFERED_BYTES_MAX) stdin.pause();
  };
  const typed = (chunk: Buffer) => {
    if (!findEscape) return send(chunk);
    const { bytes, leaves } = findEscape(chunk);
    if (bytes.length > 0) send(bytes);
    if (leaves) leave();
  };
  const ended = () => socket.send(JSON.stringify({ do: 'stdin-end' } satisfies RelayControl));
  const resized = () => {
    socket.send(JSON.stringify({ do: 'resize', columns: stdout.columns || 80, rows: stdout.rows || 24 } satisfies RelayControl));
  };
  if (options.isTerminal) {
    resized();
    stdout.on('resize', resized);
  }
  if (options.readsInput) stdin.on('data', typed).on('end', ended).resume();
  else ended();
  return () => {
    stdout.removeListener('resize', resized);
    stdin.removeListener('data', typed).removeListener('end', ended).pause();
    restore();
  };
}

/** Writes what the guest says; the relay waits while nobody takes it off us. */
function show(socket: WebSocket, frame: Buffer): void {
  const channel = frame[0];
  const out = channel === STREAM.stdout ? process.stdout : channel === STREAM.stderr ? process.stderr : null;
  if (!out || out.write(frame.subarray(1))) return;
  socket.pause();
  out.once('drain', () => socket.resume());
}

function parseControl(text: string): RelayControl | null {
  try {
    return RelayControl.parse(JSON.parse(text));
  } catch {
    // A control message of a newer version.
    return null;
  }
}
