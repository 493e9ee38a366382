import type { Clock } from '@drover/shared/lib/clock';
import type { ProblemView } from '@drover/shared/lib/problem';
import type { Figures } from '@drover/shared/model/figures';
import type { Hardware } from '@drover/shared/model/hardware';
import type { Inventory } from '@drover/shared/model/host';
import type { HostId } from '@drover/shared/model/id';
import { type ResourceRef, type ResourceStatus, refKey } from '@drover/shared/model/resource';
import {
  type AnyReply,
  type Hello,
  type LogLine,
  MESSAGE_BYTES_MAX,
  PROTOCOL_VERSION,
  type Refusal,
  type Report,
} from '@drover/shared/protocol/message';
import type { Journal } from './journal.ts';
import type { Link } from './link.ts';

const HEARTBEAT_MS = 10_000;
/** Progress within one step may wait this long; a change of condition or of what is observed never does. */
const PROGRESS_MS = 500;
/** A report that nobody acknowledged is sent again, under a new number. */
const RESEND_MS = 3_000;
const LOG_LINES_MAX = 1_000;
/** A report has room for all of these at once, whatever they come to; what does not fit goes with the next one. */
const ENVELOPE_BYTES = 4 * 1024;
const HELLO_BYTES_MAX = 72 * 1024;
const STATUS_BYTES_MAX = 32 * 1024;
const REFUSED_BYTES_MAX = 4 * 1024;
const LOG_BYTES_MAX = MESSAGE_BYTES_MAX - ENVELOPE_BYTES - HELLO_BYTES_MAX - STATUS_BYTES_MAX - REFUSED_BYTES_MAX;

export interface ReporterPorts {
  readonly hostId: HostId;
  /** Random, one per start of the agent. */
  readonly run: string;
  /** The highest counter of a command that was taken. */
  readonly newestCounter: () => number;
  readonly journal: Journal;
  readonly link: Link;
  readonly clock: Clock;
  readonly inventory: () => Inventory;
  /** Null: it is not known (yet), and nobody is told of its digest. */
  readonly hardware?: (() => Hardware | null) | undefined;
}

export interface Reporter {
  /** Takes the newest word on a resource. `urgent: false` for mere progress. */
  say(status: ResourceStatus, urgent: boolean): void;
  log(ref: ResourceRef, line: string): void;
  /** A command that is not understood here. */
  refuse(refusal: Refusal): void;
  /** The inventory is not what was last said: it goes with another hello. */
  inventoryChanged(): void;
  /** Goes with the next report, unless newer ones come first. Said once, whether it arrives or not. */
  figures(figures: Figures): void;
  connected(session: string): void;
  disconnected(): void;
  /** Was it the answer to what was said last, and is all well? */
  replied(reply: AnyReply): boolean;
  stop(reason: string): void;
}

interface InFlight {
  readonly sequence: number;
  readonly keys: readonly [string, number][];
  readonly lines: number;
  readonly hello: boolean;
  readonly hardware: boolean;
  readonly refused: readonly Refusal[];
}

/**
 * Says to the control plane what is. State goes up, not events: whole statuses of what changed since the last
 * acknowledged report, one report in flight, so a lost one is repaired by the next and a slow link carries only the newest.
 */
export function createReporter({
  hostId,
  run,
  newestCounter,
  journal,
  link,
  clock,
  inventory,
  hardware = () => null,
}: ReporterPorts): Reporter {
  const statuses = new Map<string, ResourceStatus>();
  /** Keys that changed since they were last acknowledged; the number grows with each change. */
  const unacknowledged = new Map<string, number>();
  let log: LogLine[] = [];
  const refusals = new Map<string, Refusal>();
  let droppedLines = 0;
  let changes = 0;
  let sequence = 0;
  /** Reports since the last answer. */
  let unanswered = 0;
  /** The last one of the connection before. */
  let sequenceBefore = 0;
  let session: string | null = null;
  let helloDue = false;
  /** What the last hello said is no longer so. */
  let helloIsOld = false;
  let hardwareDue = false;
  let figuresDue: Figures | null = null;
  let inFlight: InFlight | null = null;
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
    const due = [...unacknowledged].flatMap(([key, version]) => {
      const status = statuses.get(key);
      return status ? [{ key, version, status }] : [];
    });
    const said = within(due, STATUS_BYTES_MAX, ({ status }) => status);
    const keys = said.map(({ key, version }): [string, number] => [key, version]);
    const sent = said.map(({ status }) => status);
    const lines = within(log, LOG_BYTES_MAX, (line) => line);
    const refused = within([...refusals.values()], REFUSED_BYTES_MAX, (refusal) => refusal);
    sequence += 1;
    // A report has room for one of the three.
    const lists = hardwareDue && !helloDue ? hardware() : null;
    const figures = helloDue || lists !== null ? null : figuresDue;
    if (figures !== null) figuresDue = null;
    const report: Report = {
      v: PROTOCOL_VERSION,
      host: hostId,
      session,
      boot: journal.boot,
      sequence,
      sentAtMs: clock.now(),
      statuses: sent,
      log: lines,
      ...(refused.length > 0 ? { refused } : {}),
      ...(lists === null ? {} : { hardware: lists }),
      ...(figures === null ? {} : { figures }),
      ...(helloDue ? { hello: hello() } : {}),
    };
    helloIsOld = false;
    inFlight = { sequence, keys, lines: lines.length, hello: helloDue, hardware: lists !== null, refused };
    isUrgent &&= keys.length < unacknowledged.size;
    link.send({ do: 'report', report });
    // Later and later: should an answer take longer than we wait for it, it would never be the answer to what we said last.
    sendIn(Math.min(RESEND_MS * 2 ** unanswered, HEARTBEAT_MS));
    unanswered += 1;
  }

  /** From the beginning: whoever is at the other end may know nothing of what was said before. */
  function introduce() {
    helloDue = true;
    hardwareDue = false;
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

  function hello(): Hello {
    const about = { protocol: PROTOCOL_VERSION, run, counter: newestCounter(), inventory: inventory() };
    const entries = journal
      .all()
      .filter((entry) => !entry.task?.result)
      .map(({ resource, digest }) => ({ kind: resource.kind, id: resource.id, generation: resource.generation, digest }));
    const shown = within(entries, HELLO_BYTES_MAX - bytesOf(about), (entry) => entry);
    return { ...about, journal: shown, ...(shown.length < entries.length ? { journalIsCut: true } : {}) };
  }

  return {
    say(status, urgent) {
      const key = refKey(status);
      statuses.set(key, bytesOf(status) > STATUS_BYTES_MAX / 2 ? shortened(status) : status);
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
    refuse(refusal) {
      if (refusals.size >= REFUSALS_MAX) return;
      refusals.set(`${refusal.kind}/${refusal.id}`, { ...refusal, problem: shortProblem(refusal.problem) });
      if (!inFlight) sendIn(0);
    },
    inventoryChanged() {
      if (!session) return;
      helloDue = true;
      helloIsOld = true;
      if (!inFlight) sendIn(PROGRESS_MS);
    },
    figures(figures) {
      if (session) figuresDue = figures;
    },
    connected(newSession) {
      session = newSession;
      unanswered = 0;
      sequenceBefore = sequence;
      introduce();
    },
    disconnected() {
      session = null;
      inFlight = null;
      figuresDue = null;
    },
    replied(reply) {
      // Held up on its way: an answer to an earlier connection or an earlier life of ours.
      if (reply.boot !== journal.boot || reply.sequence <= sequenceBefore) return false;
      // Our journal was restored from an older copy: step above what the control plane has seen.
      if (reply.lastBoot !== undefined && reply.lastBoot > journal.boot) {
        journal.stepAbove(reply.lastBoot);
        for (const [key, status] of statuses) {
          if (status.acked === 0 || journal.get(status)) continue;
          statuses.delete(key);
          unacknowledged.delete(key);
        }
      }
      if (reply.helloWanted) {
        introduce();
        return false;
      }
      if (!inFlight || reply.sequence !== inFlight.sequence) return false;
      unanswered = 0;
      for (const [key, version] of inFlight.keys) if (unacknowledged.get(key) === version) acknowledged(key);
      log = log.slice(inFlight.lines);
      for (const refusal of inFlight.refused) {
        const key = `${refusal.kind}/${refusal.id}`;
        if (refusals.get(key) === refusal) refusals.delete(key);
      }
      if (droppedLines > 0 && log.length === 0) droppedLines = 0;
      // Nothing that came meanwhile was in it.
      if (inFlight.hello && !helloIsOld) helloDue = false;
      if (inFlight.hardware) hardwareDue = false;
      if (reply.hardwareWanted && hardware() !== null) hardwareDue = true;
      inFlight = null;
      cancelTimer();
      timerAtMs = Number.POSITIVE_INFINITY;
      const isMore = unacknowledged.size > 0 || log.length > 0 || refusals.size > 0 || helloDue || hardwareDue;
      sendIn(isUrgent ? 0 : isMore ? PROGRESS_MS : HEARTBEAT_MS);
      return true;
    },
    stop(reason) {
      cancelTimer();
      if (session) link.send({ do: 'gone', gone: { v: PROTOCOL_VERSION, session, reason } });
      session = null;
    },
  };
}

const REFUSALS_MAX = 100;
const encoder = new TextEncoder();
const bytesOf = (value: unknown): number => encoder.encode(JSON.stringify(value)).length + 1;

/** As many from the front as come to no more bytes than these. */
function within<T>(items: readonly T[], bytesMax: number, part: (item: T) => unknown): T[] {
  let bytes = 0;
  const end = items.findIndex((item) => {
    bytes += bytesOf(part(item));
    return bytes > bytesMax;
  });
  return items.slice(0, end < 0 ? items.length : end);
}

/** What no broker would carry is said in fewer words, or the whole report would never arrive. */
function shortened(status: ResourceStatus): ResourceStatus {
  const { activity: _activity, waitingFor: _waitingFor, ...rest } = status;
  return { ...rest, observed: {}, ...(rest.problem ? { problem: shortProblem(rest.problem) } : {}) };
}

const shortProblem = ({ detail, ...problem }: ProblemView): ProblemView => ({
  code: problem.code,
  status: problem.status,
  title: problem.title.slice(0, 100),
  detail: detail.slice(0, 300),
  retryable: problem.retryable,
  ...(problem.suggestion === undefined ? {} : { suggestion: problem.suggestion.slice(0, 200) }),
});
