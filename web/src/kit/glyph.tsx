import type { GuestState, HostView, TaskView } from '@drover/shared/api/views';
import type { PlainKey } from '../text/t.ts';

/** Shape and colour together say a state; the word always stands beside them. */
export type Tone = 'ok' | 'idle' | 'busy' | 'warn' | 'bad' | 'unknown';

const LOOKS: Readonly<Record<Tone, { path: string; className: string }>> = {
  ok: { path: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z', className: 'text-ok' },
  idle: { path: 'M3 3h10v10H3z', className: 'text-idle' },
  busy: { path: 'M8 1l7 7-7 7-7-7z', className: 'text-busy animate-pulse-slow' },
  warn: { path: 'M3 2h4v12H3zM9 2h4v12H9z', className: 'text-warn' },
  bad: { path: 'M8 1.500l7 12.500H1z', className: 'text-bad' },
  unknown: { path: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 2.200a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.600z', className: 'text-idle' },
};

export function Glyph({ tone, size = 16 }: { tone: Tone; size?: number }) {
  const { path, className } = LOOKS[tone];
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 16 16" className={`flex-none ${className}`} data-tone={tone}>
      <path d={path} fill="currentColor" fillRule="evenodd" />
    </svg>
  );
}

interface Said {
  readonly tone: Tone;
  readonly word: PlainKey;
}

const GUEST_STATES: Readonly<Record<GuestState, Said>> = {
  running: { tone: 'ok', word: 'guest.running' },
  stopped: { tone: 'idle', word: 'guest.stopped' },
  creating: { tone: 'busy', word: 'guest.creating' },
  starting: { tone: 'busy', word: 'guest.starting' },
  stopping: { tone: 'busy', word: 'guest.stopping' },
  deleting: { tone: 'busy', word: 'guest.deleting' },
  failed: { tone: 'bad', word: 'guest.failed' },
  unknown: { tone: 'unknown', word: 'guest.unknown' },
};
export const guestSays = (state: GuestState): Said => GUEST_STATES[state];

const TASK_STATES: Readonly<Record<TaskView['state'], Said>> = {
  queued: { tone: 'unknown', word: 'task.queued' },
  running: { tone: 'busy', word: 'task.running' },
  done: { tone: 'ok', word: 'task.done' },
  failed: { tone: 'bad', word: 'task.failed' },
  cancelled: { tone: 'idle', word: 'task.cancelled' },
};
export const taskSays = (state: TaskView['state']): Said => TASK_STATES[state];

const HOST_STATES: Readonly<Record<HostView['health']['state'], Said>> = {
  'connected': { tone: 'ok', word: 'host.connected' },
  'never-heard': { tone: 'unknown', word: 'host.never-heard' },
  'silent': { tone: 'unknown', word: 'host.away' },
  'not-progressing': { tone: 'bad', word: 'host.stuck' },
  'clone-suspected': { tone: 'bad', word: 'host.clone' },
  'agent-too-old': { tone: 'warn', word: 'host.too-old' },
  'agent-too-new': { tone: 'warn', word: 'host.too-new' },
  'clock-off': { tone: 'warn', word: 'host.clock' },
  'revoked': { tone: 'bad', word: 'host.revoked' },
};
export const hostSays = (host: Pick<HostView, 'health'>): Said => HOST_STATES[host.health.state];
