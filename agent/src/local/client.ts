import { createConnection, type Socket } from 'node:net';
import { Problem, type ProblemView } from '@drover/shared/lib/problem';
import { createJsonLines } from '../drivers/guest/json-lines.ts';
import { type ConsoleInput, LINE_BYTES_MAX, LocalAnswer, type LocalRequest, socketPath } from './protocol.ts';

/** Asks the agent that runs on this host. Its problem becomes ours; that it does not run is one, too. */
export function ask(runPath: string, request: LocalRequest, signal?: AbortSignal): Promise<unknown> {
  return converse(runPath, request, {}, signal);
}

export interface ConsoleEnds {
  readonly output: (bytes: Uint8Array) => void;
  /** The console is there; the functions send to it, and leave it. */
  readonly begun: (console: { send(input: ConsoleInput): void; leave(): void }) => void;
}

/** Joins a guest's console; resolves when it ended, or was left. */
export async function joinConsole(runPath: string, guest: string, ends: ConsoleEnds): Promise<void> {
  await converse(runPath, { do: 'console', guest }, ends);
}

function converse(runPath: string, request: LocalRequest, ends: Partial<ConsoleEnds>, signal?: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const path = socketPath(runPath);
    const socket = createConnection(path);
    let hasLeft = false;
    socket.on('connect', () => write(socket, request));
    const begin = () =>
      ends.begun?.({
        send: (input) => write(socket, input),
        leave() {
          hasLeft = true;
          socket.destroy();
        },
      });
    const receive = (message: unknown) => {
      const answer = LocalAnswer.safeParse(message).data;
      if (!answer) return;
      if ('begun' in answer) begin();
      else if ('problem' in answer) reject(problemOf(answer.problem));
      else if ('out' in answer) ends.output?.(Buffer.from(answer.out, 'base64'));
      else if ('done' in answer) resolve(answer.done);
    };
    socket.on('data', createJsonLines(receive, 64 * LINE_BYTES_MAX));
    signal?.addEventListener('abort', () => {
      reject(
        new Problem('timeout', 'the agent runs, and does not answer', { suggestion: 'systemctl restart drover-agent: guests run on' }),
      );
      socket.destroy();
    });
    socket.on('error', (cause: NodeJS.ErrnoException) => reject(notThere(path, cause)));
    socket.on('close', () => (hasLeft ? resolve(null) : reject(new Problem('host-failed', 'the agent ended before it answered'))));
  });
}

const write = (socket: Socket, message: LocalRequest | ConsoleInput): boolean => socket.write(`${JSON.stringify(message)}\n`);

const problemOf = ({ code, detail, suggestion }: ProblemView): Problem => new Problem(code, detail, { suggestion });

function notThere(path: string, cause: NodeJS.ErrnoException): Problem {
  if (cause.code === 'EACCES')
    return new Problem('not-allowed', `${path} is for root`, { cause, suggestion: 'put sudo before drover-agent' });
  return new Problem('wrong-state', 'the agent does not run on this host', {
    cause,
    suggestion: 'drover-agent doctor says why; systemctl start drover-agent starts it',
  });
}
