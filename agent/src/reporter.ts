import type { Clock } from '@drover/shared/lib/clock';
import type { Inventory } from '@drover/shared/model/host';
import type { HostId } from '@drover/shared/model/id';
import { type ResourceRef, type ResourceStatus, refKey } from '@drover/shared/model/resource';
import { type LogLine, MESSAGE_BYTES_MAX, PROTOCOL_VERSION, type Reply, type Report } from '@drover/shared/protocol/message';
import type { Journal } from './journal.ts';
import type { Link } from './link.ts';

const HEARTBEAT_MS = 10_000;
/** Progress within one step may wait this long; a change of condition or of what is observed never does. */
const PROGRESS_MS = 500;
/** A report that nobody acknowledged is sent again, under a new number. */
const RESEND_MS = 3_000;
const LOG_LINES_MAX = 1_000;
/** Room for the envelope and the log within MESSAGE_BYTES_MAX. */
const STATUS_BYTES_MAX = MESSAGE_BYTES_MAX / 2;
const LOG_BYTES_MAX = MESSAGE_BYTES_MAX / 4;

export interface ReporterPorts {
  readonly hostId: HostId;
  readonly journal: Journal;
  readonly link: Link;
  readonly clock: Clock;
  readonly inventory: () => Inventory;
}

export interface Reporter {
  /** Takes the newest word on a resource. `urgent: false` for mere progress. */
  say(status: ResourceStatus, urgent: boolean): void;
  log(ref: ResourceRef, line: string): void;
  connected(session: string): void;
  disconnected(): void;
  replied(reply: Reply): void;
  stop(reason: string): void;
}

/**
 * Says to the control plane what is. State goes up, not events: whole statuses of what changed since the last
 * acknowledged report, one report in flight, so a lost one is repaired by the next and a slow link carries only the newest.
 */
export function createReporter({ hostId, journal, link, clock, inventory }: ReporterPorts): Reporter {
  const statuses = new Map<string, ResourceStatus>();
  /** Keys that changed since they were last acknowledged; the number grows with each change. */
  const unacknowledged = new Map<string, number>();
  let log: LogLine[] = [];
  let droppedLines = 0;
  let changes = 0;
  let sequence = 0;
  /** The last one of the connection before. */
  let sequenceBefore = 0;
  let boot = journal.boot;
  let session: string | null = null;
  let helloDue = false;
  let inFlight: { sequence: number; keys: [string, number][]; lines: number; hello: boolean } | null = null;
  /** Among what is unsaid is something that must not wait. */
  let isUrgent = false;
  let cancelTimer: () => void = () => {};
  let timerAtMs = Number.POSITIVE_INFINITY;

  function sendIn(delayMs: number) {
    const atMs = clock.now() + delayMs;
    if (atMs >= timerAtMs) return;
    cancelTimer();
    timerAtMs = atMs;
    cancelTimer = clock.after(delayMs, () => {
      timerAtMs = Number.POSITIVE_INFINITY;
      flush();
    });
  }

  function flush() {
    if (!session) return;
    // Should one still be in flight, its time has passed: everything in it is said again.
    const keys: [string, number][] = [];
    const sent: ResourceStatus[] = [];
    let bytes = 0;
    for (const [key, version] of unacknowledged) {
      const status = statuses.get(key);
      if (!status) continue;
      bytes += JSON.stringify(status).length;
      if (sent.length > 0 && bytes > STATUS_BYTES_MAX) break;
      keys.push([key, version]);
      sent.push(status);
    }
    const lines = linesWithin(log, LOG_BYTES_MAX);
    sequence += 1;
    const report: Report = {
      v: PROTOCOL_VERSION,
      host: hostId,
      session,
      boot,
      sequence,
      sentAtMs: clock.now(),
      statuses: sent,
      log: lines,
      ...(helloDue ? { hello: hello() } : {}),
    };
    inFlight = { sequence, keys, lines: lines.length, hello: helloDue };
    isUrgent &&= keys.length < unacknowledged.size;
    link.send({ do: 'report', report });
    sendIn(RESEND_MS);
  }

  /** From the beginning: whoever is at the other end may know nothing of what was said before. */
  function introduce() {
    helloDue = true;
    inFlight = null;
    for (const key of statuses.keys()) unacknowledged.set(key, ++changes);
    sendIn(0);
  }

  function acknowledged(key: string) {
    unacknowledged.delete(key);
    const status = statuses.get(key);
    // The last word on what is over; should it be asked for again, the journal still knows.
    if (status?.gone || (status?.kind === 'task' && status.condition === 'settled')) statuses.delete(key);
  }

  function hello(): Report['hello'] {
    const entries = journal.all().filter((entry) => !entry.task?.result);
    return {
      protocol: PROTOCOL_VERSION,
      inventory: inventory(),
      journal: entries.map(({ resource, digest }) => ({ kind: resource.kind, id: resource.id, generation: resource.generation, digest })),
    };
  }

  return {
    say(status, urgent) {
      const key = refKey(status);
      statuses.set(key, status);
      changes += 1;
      unacknowledged.set(key, changes);
      isUrgent ||= urgent;
      if (!inFlight) sendIn(urgent ? 0 : PROGRESS_MS);
    },
    log(ref, line) {
      if (log.length >= LOG_LINES_MAX) droppedLines += 1;
      else log.push({ kind: ref.kind, id: ref.id, atMs: clock.now(), line: line.slice(0, 2_000) });
      if (!inFlight) sendIn(PROGRESS_MS);
    },
    connected(newSession) {
      session = newSession;
      sequenceBefore = sequence;
      introduce();
    },
    disconnected() {
      session = null;
      inFlight = null;
    },
    replied(reply) {
      // Held up on its way: an answer to an earlier connection or an earlier life of ours.
      if (reply.boot !== boot || reply.sequence <= sequenceBefore) return;
      // Our journal was restored from an older copy: step above what the control plane has seen.
      if (reply.lastBoot !== undefined && reply.lastBoot > boot) boot = reply.lastBoot + 1;
      if (reply.helloWanted) {
        introduce();
        return;
      }
      if (!inFlight || reply.sequence !== inFlight.sequence) return;
      for (const [key, version] of inFlight.keys) if (unacknowledged.get(key) === version) acknowledged(key);
      log = log.slice(inFlight.lines);
      if (droppedLines > 0 && log.length === 0) droppedLines = 0;
      if (inFlight.hello) helloDue = false;
      inFlight = null;
      cancelTimer();
      timerAtMs = Number.POSITIVE_INFINITY;
      sendIn(isUrgent ? 0 : unacknowledged.size > 0 || log.length > 0 ? PROGRESS_MS : HEARTBEAT_MS);
    },
    stop(reason) {
      cancelTimer();
      if (session) link.send({ do: 'gone', gone: { v: PROTOCOL_VERSION, session, reason } });
      session = null;
    },
  };
}

function linesWithin(log: readonly LogLine[], bytesMax: number): LogLine[] {
  const lines: LogLine[] = [];
  let bytes = 0;
  for (const line of log) {
    bytes += line.line.length * 2 + 100;
    if (bytes > bytesMax) break;
    lines.push(line);
  }
  return lines;
}
