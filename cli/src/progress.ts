import type { TaskView } from '@drover/shared/api/views';
import { clean, colour, cut, width } from './print.ts';
import type { Terminal } from './terminal.ts';
import { formatDuration } from './units.ts';

/** Shows how a task goes on, until `finish`. */
export interface TaskDisplay {
  update(task: TaskView): void;
  log(line: string): void;
  /** The connection to the control plane is lost, or back. */
  connected(isConnected: boolean): void;
  finish(task: TaskView): void;
  /** Nobody looks any more: leaves the screen in order. */
  leave(): void;
}

const BAR_CELLS = 20;
const REDRAW_MS = 1_000;

/** What a task does now, in one line: bar, percentage, what, for how long. */
export function progressLine(task: TaskView, nowMs: number, columns: number): string {
  const fraction = task.activity?.progress ?? null;
  const filled = fraction === null ? 0 : Math.round(fraction * BAR_CELLS);
  const bar =
    fraction === null ? '' : ` ${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${String(Math.floor(fraction * 100)).padStart(3)} %`;
  const elapsed = formatDuration(nowMs - task.createdAtMs);
  const head = `${clean(task.title)}${bar}`;
  const room = columns - 1 - width(head) - width(elapsed) - 5;
  const what = room > 8 ? `  ${cut(whatNow(task, nowMs), room)}` : '';
  return cut(`${head}${what}  ${elapsed}`, columns - 1);
}

/** In words: "building image debian-13: unpacking libc6", "waiting for image debian-13", "waiting for the host fra-1, which is away, for 5 min". */
export function whatNow(task: TaskView, nowMs: number): string {
  if (task.activity) return clean(task.activity.detail ? `${task.activity.title}: ${task.activity.detail}` : task.activity.title);
  const since = task.waitingSinceMs === null ? '' : `, for ${formatDuration(nowMs - task.waitingSinceMs)}`;
  if (task.waitingFor) return clean(`waiting for ${task.waitingFor}${since}`);
  if (task.state === 'queued') return task.host ? `waiting for host ${task.host.name}` : 'queued';
  return task.state;
}

/** One line that is drawn over and over, with the log above it. */
export function liveDisplay(terminal: Terminal): TaskDisplay {
  let latest: TaskView | null = null;
  let isConnected = true;
  let isDrawn = false;
  const wipe = () => {
    if (isDrawn) terminal.err('\r\u001b[K');
    isDrawn = false;
  };
  const draw = () => {
    if (!latest) return;
    const line = isConnected
      ? progressLine(latest, Date.now(), terminal.columns)
      : cut('the control plane cannot be reached; trying again', terminal.columns - 1);
    terminal.err(`\r\u001b[K${line}`);
    isDrawn = true;
  };
  const timer = setInterval(draw, REDRAW_MS);
  const end = () => {
    clearInterval(timer);
    wipe();
  };
  return {
    update(task) {
      latest = task;
      draw();
    },
    log(line) {
      wipe();
      terminal.err(`${colour(terminal, 'grey', clean(line))}\n`);
      draw();
    },
    connected(now) {
      isConnected = now;
      draw();
    },
    finish(task) {
      end();
      terminal.err(`${ending(task)}\n`);
    },
    leave: end,
  };
}

/** For files and pipes: a line whenever there is something new to say. */
export function plainDisplay(terminal: Terminal): TaskDisplay {
  let said = '';
  let saidTenth = -1;
  return {
    update(task) {
      if (task.finishedAtMs !== null) return;
      const what = task.activity ? clean(task.activity.title) : whatNow(task, Date.now());
      const tenth = task.activity?.progress === undefined || task.activity.progress === null ? -1 : Math.floor(task.activity.progress * 10);
      if (what === said && tenth <= saidTenth) return;
      if (what !== said && said === '' && /^(queued|running|done|failed|cancelled)$/.test(what)) return;
      said = what;
      saidTenth = tenth;
      terminal.err(`${clean(task.title)}: ${what}${tenth >= 0 ? ` (${tenth * 10} %)` : ''}\n`);
    },
    log: (line) => terminal.err(`  ${clean(line)}\n`),
    connected: (now) => terminal.err(now ? 'connected again\n' : 'the control plane cannot be reached; trying again\n'),
    finish: (task) => terminal.err(`${ending(task)}\n`),
    leave: () => undefined,
  };
}

function ending(task: TaskView): string {
  const took = task.finishedAtMs === null ? '' : ` after ${formatDuration(task.finishedAtMs - task.createdAtMs)}`;
  return `${clean(task.title)}: ${task.state}${took}`;
}
