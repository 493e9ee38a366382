import { Problem } from '@drover/shared/lib/problem';
import type { RelayControl } from '@drover/shared/protocol/relay';
import type { Stream } from '../drivers/stream.ts';
import { placeOf } from '../perform.ts';
import { pump } from './stream.ts';
import type { TaskContext, TaskKind } from './task.ts';

/** Runs a program in a guest, its input and output through the relay. */
export const exec: TaskKind<'guest.exec'> = {
  run: (spec, context) =>
    streamed(spec.ticket, context, () =>
      openStream(spec.guestId, context, (driver, id, folder) => driver.exec(id, folder, spec.command, spec.tty)),
    ),
  recover: async () => ({ do: 'failed', detail: 'the agent was restarted while the command ran' }),
};

/** A guest's interactive console through the relay. */
export const consoleTask: TaskKind<'guest.console'> = {
  run: (spec, context) =>
    streamed(spec.ticket, context, () => openStream(spec.guestId, context, (driver, id, folder) => driver.console(id, folder))),
  recover: async () => ({ do: 'failed', detail: 'the agent was restarted while the console was open' }),
};

type Driver = TaskContext['drivers']['guests']['vm'];

async function openStream(
  guestId: number,
  context: TaskContext,
  open: (driver: Driver, id: number, folder: string) => Promise<Stream>,
): Promise<Stream> {
  const guest = context.wishes.get('guest', String(guestId));
  if (!guest) throw new Problem('not-found', `this host has no guest ${guestId}`);
  const { id, folder, type } = placeOf(guest, context.wishes);
  const observed = await context.drivers.guests[type].observe(id, folder);
  if (!observed?.running)
    throw new Problem('wrong-state', `guest ${guest.spec.name} is not running`, {
      suggestion: `start it first: drover guest start ${guest.spec.name}`,
    });
  return open(context.drivers.guests[type], id, folder);
}

/** Dials the relay first, so that the person is told over it when the stream cannot be opened. */
async function streamed(ticket: string, context: TaskContext, open: () => Promise<Stream>): Promise<Record<string, unknown>> {
  const socket = await context.dialRelay(ticket, context.signal);
  let stream: Stream;
  try {
    stream = await open();
  } catch (thrown) {
    const problem = Problem.from(thrown);
    const detail = problem.suggestion ? `${problem.message}; ${problem.suggestion}` : problem.message;
    socket.sendText(JSON.stringify({ do: 'failed', detail } satisfies RelayControl));
    socket.close();
    throw problem;
  }
  context.signal.addEventListener('abort', () => stream.close(), { once: true });
  const code = await pump(stream, socket, context.clock);
  return code === null ? { left: true } : { code };
}
