import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { createJsonLines } from '../drivers/guest/json-lines.ts';
import type { Stream } from '../drivers/stream.ts';
import type { Answers } from './answers.ts';
import { ConsoleInput, LINE_BYTES_MAX, type LocalAnswer, LocalRequest, type LocalStatus, socketPath } from './protocol.ts';

export interface LocalServerOptions {
  readonly runPath: string;
  readonly answers: Answers;
  /** What the agent says of itself beside that. */
  readonly about: Pick<LocalStatus, 'name' | 'controlPlaneUrl' | 'version'>;
  readonly log: (line: string) => void;
}

/** Listens for root on this host. What another life of the agent left of the socket is taken away: the caller holds the data folder's lock. */
export function openLocalServer({ runPath, answers, about, log }: LocalServerOptions): () => void {
  const path = socketPath(runPath);
  rmSync(path, { force: true });
  const server = createServer((socket) => attend(socket, answers, about));
  // The agent does its work without it as well.
  server.on('error', (error) => log(`nobody on this host can ask the agent: ${error.message}`));
  const before = process.umask(0o177);
  try {
    server.listen(path, () => chmodSync(path, 0o600));
  } finally {
    process.umask(before);
  }
  return () => server.close();
}

function attend(socket: Socket, answers: Answers, about: LocalServerOptions['about']): void {
  const left = new AbortController();
  let toConsole: ((message: unknown) => void) | null = null;
  let isAsked = false;
  const send = (answer: LocalAnswer): boolean => socket.writable && socket.write(`${JSON.stringify(answer)}\n`);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => left.abort(new Problem('cancelled', 'whoever asked has left')));
  const receive = (message: unknown) => {
    if (toConsole) return toConsole(message);
    // One request to a connection.
    if (isAsked) return;
    isAsked = true;
    answer(message).then(
      (done) => {
        if (done === STREAMS) return;
        send({ done: done ?? null });
        socket.end();
      },
      (thrown: unknown) => {
        send({ problem: Problem.from(thrown).view() });
        socket.end();
      },
    );
  };
  socket.on('data', createJsonLines(receive, LINE_BYTES_MAX));

  async function answer(message: unknown): Promise<unknown> {
    const parsed = LocalRequest.safeParse(message);
    if (!parsed.success) throw problemOfInput(parsed.error, 'the request');
    const request = parsed.data;
    switch (request.do) {
      case 'status':
        return { ...about, ...answers.status() };
      case 'guests':
        return answers.guests();
      case 'power':
        return answers.power(request.guest, request.power, left.signal);
      case 'console': {
        const stream = await answers.console(request.guest);
        toConsole = join(stream, socket, send);
        send({ begun: true });
        left.signal.addEventListener('abort', () => stream.close(), { once: true });
        if (left.signal.aborted) stream.close();
        return STREAMS;
      }
      case 'pause':
        return answers.pause(request.reason);
      case 'resume':
        return answers.resume();
      case 'host-down':
        return answers.hostDown();
    }
  }
}

const STREAMS = Symbol('it goes on as a stream');

/** Joins a guest's console and a connection; gives what takes the person's side. */
function join(stream: Stream, socket: Socket, send: (answer: LocalAnswer) => boolean): (message: unknown) => void {
  socket.on('drain', () => stream.resume());
  stream.onOutput((_channel, bytes) => {
    if (!send({ out: Buffer.from(bytes).toString('base64') })) stream.pause();
  });
  stream.ended.then(
    () => {
      send({ done: null });
      socket.end();
    },
    () => socket.destroy(),
  );
  return (message) => {
    const input = ConsoleInput.safeParse(message).data;
    if (!input) return;
    if ('in' in input) stream.write(Buffer.from(input.in, 'base64'));
    else if ('end' in input) stream.endInput();
    else stream.resize(...input.resize);
  };
}
