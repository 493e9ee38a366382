import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import type { TaskId, TokenId } from '@drover/shared/model/id';
import type { RelayControl } from '@drover/shared/protocol/relay';

/**
 * Joins two WebSockets that hold the same ticket: a person's and a host's. Tickets live in this process's memory:
 * after a restart the person asks again. Nothing is queued here but what a socket had already read when it was paused.
 */
export const PAIRING_MS = 30_000;
export const FRAME_BYTES_MAX = 2 ** 20;
const BUFFERED_BYTES_MAX = 256 * 1024;
const BUFFERED_BYTES_RESUME = 64 * 1024;
const TICKETS_MAX = 1_000;

export type RelayFrame = Uint8Array | string;
export type RelaySide = 'person' | 'host';

/** One WebSocket, as far as the relay needs it. */
export interface RelaySocket {
  /** `sent` is called once the bytes have left this process, or never will. */
  send(frame: RelayFrame, sent: () => void): void;
  bufferedBytes(): number;
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  onFrame(receive: (frame: RelayFrame) => void): void;
  onClose(closed: () => void): void;
}

export const CLOSE = { normal: 1000, goingAway: 1001, tooBig: 1009, unknownTicket: 4404, hostNeverCame: 4408 } as const;

export interface Relay {
  issue(): { readonly ticket: string; readonly expiresAtMs: number };
  /** Whose failure the person shall be told of at once instead of after the whole wait, and by which token it was asked for. False: the ticket has expired. */
  bind(ticket: string, taskId: TaskId, tokenId: TokenId): boolean;
  /** Nothing came of it. */
  withdraw(ticket: string): void;
  join(ticket: string, side: RelaySide, socket: RelaySocket): void;
  /** Tasks whose host has not come yet. */
  awaited(): ReadonlySet<TaskId>;
  /** Of all that wait or are joined: the tokens by which they were asked for. */
  holders(): ReadonlyMap<TaskId, TokenId>;
  /** The host will not come, or must not stay. */
  fail(taskId: TaskId, detail: string): void;
  close(): void;
}

interface Seat {
  readonly socket: RelaySocket;
  /** Frames that were already read when the socket was told to wait. */
  readonly early: RelayFrame[];
  earlyBytes: number;
  deliver: ((frame: RelayFrame) => void) | null;
  closed: (() => void) | null;
}

interface Bound {
  readonly taskId: TaskId;
  readonly tokenId: TokenId;
}

interface Meeting {
  bound: Bound | null;
  failure: string | null;
  person: Seat | null;
  host: Seat | null;
  readonly cancelTimer: () => void;
}

export function createRelay(clock: Clock, random: Random): Relay {
  const meetings = new Map<string, Meeting>();
  const paired = new Map<() => void, Bound | null>();

  function end(ticket: string, meeting: Meeting): void {
    meeting.cancelTimer();
    meetings.delete(ticket);
  }

  function expire(ticket: string): void {
    const meeting = meetings.get(ticket);
    if (!meeting) return;
    end(ticket, meeting);
    if (meeting.person) refuse(meeting.person.socket, CLOSE.hostNeverCame, `the host did not answer within ${PAIRING_MS / 1000} s`);
    meeting.host?.socket.close(CLOSE.unknownTicket, 'nobody came');
  }

  function leave(ticket: string, meeting: Meeting, side: RelaySide): void {
    if (meetings.get(ticket) !== meeting) return;
    if (side === 'host' && meeting.person) refuse(meeting.person.socket, CLOSE.hostNeverCame, 'the host hung up');
    if (side === 'host') meeting.failure ??= 'the host hung up';
    if (side === 'person' || meeting.person) end(ticket, meeting);
  }

  function pair(ticket: string, meeting: Meeting, person: Seat, host: Seat): void {
    end(ticket, meeting);
    const closeBoth = (code: number, reason: string) => {
      // Closing one side is what the other side's close was waiting for: the first reason stands.
      if (!paired.delete(shutDown)) return;
      person.socket.close(code, reason);
      host.socket.close(code, reason);
    };
    const shutDown = () => closeBoth(CLOSE.goingAway, 'ended from here');
    paired.set(shutDown, meeting.bound);
    for (const [from, to] of [
      [person, host],
      [host, person],
    ] as const) {
      from.closed = () => closeBoth(CLOSE.normal, 'the other side ended');
      pump(from, to, () => closeBoth(CLOSE.tooBig, `a frame may have ${FRAME_BYTES_MAX} bytes`));
    }
  }

  return {
    issue() {
      if (meetings.size >= TICKETS_MAX) {
        throw new Problem('too-many-requests', 'too many consoles and commands are waiting for their hosts', { retryable: true });
      }
      const ticket = random.text(40);
      const cancelTimer = clock.after(PAIRING_MS, () => expire(ticket));
      meetings.set(ticket, { bound: null, failure: null, person: null, host: null, cancelTimer });
      return { ticket, expiresAtMs: clock.now() + PAIRING_MS };
    },
    bind(ticket, taskId, tokenId) {
      const meeting = meetings.get(ticket);
      if (meeting) meeting.bound = { taskId, tokenId };
      return meeting !== undefined;
    },
    withdraw(ticket) {
      const meeting = meetings.get(ticket);
      if (!meeting) return;
      end(ticket, meeting);
      meeting.host?.socket.close(CLOSE.unknownTicket, 'withdrawn');
    },
    join(ticket, side, socket) {
      const meeting = meetings.get(ticket);
      if (!meeting || meeting[side]) {
        if (side === 'person') return refuse(socket, CLOSE.unknownTicket, 'this ticket is not known: it was used, or is older than 30 s');
        return socket.close(CLOSE.unknownTicket, 'no such ticket');
      }
      if (side === 'person' && meeting.failure !== null) {
        end(ticket, meeting);
        return refuse(socket, CLOSE.hostNeverCame, meeting.failure);
      }
      meeting[side] = sit(socket, () => leave(ticket, meeting, side));
      if (meeting.person && meeting.host) pair(ticket, meeting, meeting.person, meeting.host);
    },
    awaited() {
      const tasks = new Set<TaskId>();
      for (const meeting of meetings.values()) if (meeting.bound && !meeting.host) tasks.add(meeting.bound.taskId);
      return tasks;
    },
    holders() {
      const all = [...meetings.values()].map(({ bound }) => bound).concat([...paired.values()]);
      return new Map(all.filter((bound) => bound !== null).map(({ taskId, tokenId }) => [taskId, tokenId]));
    },
    fail(taskId, detail) {
      for (const [shutDown, bound] of [...paired]) if (bound?.taskId === taskId) shutDown();
      for (const [ticket, meeting] of meetings) {
        if (meeting.bound?.taskId !== taskId) continue;
        meeting.failure = detail;
        if (!meeting.person) continue;
        end(ticket, meeting);
        refuse(meeting.person.socket, CLOSE.hostNeverCame, detail);
        meeting.host?.socket.close(CLOSE.unknownTicket, 'the task has ended');
      }
    },
    close() {
      for (const [ticket, meeting] of meetings) {
        end(ticket, meeting);
        meeting.person?.socket.close(CLOSE.goingAway, 'the control plane is stopping');
        meeting.host?.socket.close(CLOSE.goingAway, 'the control plane is stopping');
      }
      for (const shutDown of [...paired.keys()]) shutDown();
    },
  };
}

/** A socket that has come first waits unread, so that nothing piles up here. */
function sit(socket: RelaySocket, left: () => void): Seat {
  const seat: Seat = { socket, early: [], earlyBytes: 0, deliver: null, closed: left };
  socket.onFrame((frame) => {
    if (seat.deliver) return seat.deliver(frame);
    seat.earlyBytes += frame.length;
    if (seat.earlyBytes > FRAME_BYTES_MAX) return socket.close(CLOSE.tooBig, 'too much before the other side came');
    seat.early.push(frame);
  });
  socket.onClose(() => seat.closed?.());
  socket.pause();
  return seat;
}

function pump(from: Seat, to: Seat, tooBig: () => void): void {
  let isPaused = false;
  const drained = () => {
    if (!isPaused || to.socket.bufferedBytes() > BUFFERED_BYTES_RESUME) return;
    isPaused = false;
    from.socket.resume();
  };
  from.deliver = (frame) => {
    if (frame.length > FRAME_BYTES_MAX) return tooBig();
    to.socket.send(frame, drained);
    if (isPaused || to.socket.bufferedBytes() <= BUFFERED_BYTES_MAX) return;
    isPaused = true;
    from.socket.pause();
  };
  for (const frame of from.early.splice(0)) from.deliver(frame);
  if (!isPaused) from.socket.resume();
}

function refuse(socket: RelaySocket, code: number, detail: string): void {
  const failed: RelayControl = { do: 'failed', detail };
  socket.send(JSON.stringify(failed), () => undefined);
  // A close reason may have 123 bytes; the whole detail has gone before it.
  socket.close(code, 'failed');
}
