import { type ChangeEvent, type TaskLogLine, TaskLogView, TaskView } from '@drover/shared/api/views';
import type { Client } from './client.ts';
import { CliError } from './error.ts';
import { follow } from './events.ts';
import { liveDisplay, plainDisplay, type TaskDisplay } from './progress.ts';
import { ownName, type Terminal } from './terminal.ts';

/** Changes come in bursts; a task is fetched at most this often. */
const LOOK_GAP_MS = 100;
const RETRY_MS = 1_000;
const LOG_LINES_MAX = 1_000;

export interface WaitOptions {
  /** Every line of the log, too. */
  readonly verbose?: boolean | undefined;
  /** It is being cancelled: that it ends so is what was wanted. */
  readonly isCancelled?: boolean | undefined;
}

/** Follows a task to its end by the control plane's events. Throws what went wrong when it did not end well. */
export async function waitForTask(
  client: Client,
  terminal: Terminal,
  taskId: string,
  options: WaitOptions = {},
): Promise<{ task: TaskView; raw: unknown }> {
  const display = terminal.isErrTty ? liveDisplay(terminal) : plainDisplay(terminal);
  const listening = new AbortController();
  const interrupted = () => {
    display.leave();
    const name = ownName(terminal);
    terminal.err(`\nThe task goes on. To follow it: ${name} task follow ${taskId}; to cancel it: ${name} task cancel ${taskId}\n`);
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  try {
    const ended = await untilFinal(client, taskId, display, listening.signal, options);
    display.finish(ended.task);
    if (ended.task.state === 'done' || (options.isCancelled && ended.task.state === 'cancelled')) return ended;
    throw endOf(ended.task, ownName(terminal));
  } finally {
    process.removeListener('SIGINT', interrupted);
    display.leave();
    listening.abort();
  }
}

export const isFinal = (task: TaskView): boolean => task.state === 'done' || task.state === 'failed' || task.state === 'cancelled';

async function untilFinal(client: Client, taskId: string, display: TaskDisplay, signal: AbortSignal, options: WaitOptions) {
  let logCursor = 0;
  const look = async () => {
    const answer = await client.call('GET', `/tasks/${encodeURIComponent(taskId)}`, TaskView);
    if (options.verbose) {
      const log = await logAfter(client, taskId, logCursor);
      logCursor = log.cursor;
      for (const { line } of log.lines) display.log(line);
    }
    display.update(answer.value);
    return { task: answer.value, raw: answer.raw };
  };

  let latest: TaskView | null = null;
  const bell = createBell();
  const listening = listen(client, signal, display, (change) => {
    if (change === null || concerns(change, taskId, latest)) bell.ring();
  });
  // Its end is noticed below; without a listener Node would take a refusal for an accident.
  listening.catch(() => undefined);
  for (;;) {
    await Promise.race([bell.heard(), listening]);
    if (signal.aborted) throw new CliError('failed', 'stopped waiting');
    const seen = await look().catch((error: unknown) => {
      if (error instanceof CliError && error.exit === 'unreachable') return null;
      throw error;
    });
    if (seen && isFinal(seen.task)) return seen;
    if (seen) latest = seen.task;
    await pause(seen ? LOOK_GAP_MS : RETRY_MS);
    // What could not be fetched is still to be seen.
    if (!seen) bell.ring();
  }
}

/** Calls `changed` for every change, and with null when anything may have changed. Ends only with the signal, or by a refusal. */
async function listen(
  client: Client,
  signal: AbortSignal,
  display: TaskDisplay,
  changed: (change: ChangeEvent | null) => void,
): Promise<void> {
  let isConnected = true;
  for await (const event of follow(client, signal)) {
    if ((event.do !== 'lost') !== isConnected) {
      isConnected = !isConnected;
      display.connected(isConnected);
    }
    if (event.do !== 'lost') changed(event.do === 'change' ? event.change : null);
  }
}

/** Rung any number of times, heard once: every change that came while one was being looked at is answered by one more look. */
function createBell() {
  let isRung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      isRung = true;
      wake?.();
    },
    async heard(): Promise<void> {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      isRung = false;
      wake = null;
    },
  };
}

const pause = (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs));

/** The task itself, what it is about, or an image: a guest that is made may wait for one. */
function concerns(change: { kind: string; id: string }, taskId: string, task: TaskView | null): boolean {
  if (change.kind === 'task') return change.id === taskId;
  if (task === null || change.kind === 'image') return true;
  return change.kind === task.target.kind && change.id === task.target.id;
}

/** Every line of a task's log after a cursor. */
export async function logAfter(client: Client, taskId: string, cursor: number): Promise<{ lines: TaskLogLine[]; cursor: number }> {
  const lines: TaskLogLine[] = [];
  let after = cursor;
  for (;;) {
    const { value } = await client.call('GET', `/tasks/${encodeURIComponent(taskId)}/log`, TaskLogView, {
      query: { after, limit: LOG_LINES_MAX },
    });
    lines.push(...value.lines);
    after = value.cursor;
    if (value.lines.length < LOG_LINES_MAX) return { lines, cursor: after };
  }
}

export function endOf(task: TaskView, name: string): CliError {
  if (task.problem) {
    const said = CliError.ofProblem(task.problem);
    return new CliError('failed', `${task.title} failed: ${said.message}`, {
      suggestion: said.suggestion ?? `see what it did: ${name} task show ${task.id}`,
      problem: task.problem,
    });
  }
  return new CliError('failed', `${task.title}: ${task.state}`);
}
