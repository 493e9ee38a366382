import { digest, isSameJson } from '@drover/shared/lib/digest';
import type { NetworkId, StorageId } from '@drover/shared/model/id';
import { type ResourceRef, type ResourceStatus, refKey } from '@drover/shared/model/resource';
import type { Gone, Hello, Report } from '@drover/shared/protocol/message';
import { changedTasks } from './apply-task.ts';
import type { Change, Decision, EventWrite, Heard, HostUpdate, ObservationWrite, WishWrite } from './change.ts';
import { defaultFabric } from './fabric.ts';
import { type Held, type Host, isKind } from './held.ts';
import { settleTasks } from './settle.ts';
import { cancelledCarrier } from './tasks.ts';
import type { ReportView } from './views.ts';

export interface Absorbed {
  /** Older than what was absorbed before: nothing was written. */
  readonly dropped: boolean;
  readonly helloWanted: boolean;
  /** What the host is made of is not known here. */
  readonly hardwareWanted: boolean;
  readonly lastBoot: number | null;
  /** For the operator's log: the two sides do not remember the same. */
  readonly warnings: readonly string[];
  /** Something is to be sent, or sent again. */
  readonly dispatch: boolean;
}

export interface AbsorbIds {
  readonly nowMs: number;
  /** For what a host gets with its first hello. */
  readonly storageId: StorageId;
  readonly networkId: NetworkId;
}

/** The same digest as the host's journal keeps: what a resource wishes, without its number. */
export const digestOfWish = (held: Pick<Held, 'spec' | 'deletion'>): string => digest({ spec: held.spec, deletion: held.deletion });

/** Takes one report in: what it says of resources becomes their status, and what it shows of the host's journal is made to agree with the wishes. */
export function absorb(view: ReportView, received: Report, { nowMs, ...ids }: AbsorbIds): Decision<Absorbed> {
  const { host } = view;
  if (isOlder(received, host)) return droppedReport(received, host, nowMs);
  const known = new Map(view.resources.map((held) => [refKey(held), held]));
  const report: Report = { ...received, statuses: [...received.statuses, ...refusedStatuses(received, known)] };
  const work = newWork();
  if (report.hello) absorbJournal(report.hello, report.statuses, known, work);
  for (const status of report.statuses) absorbStatus(status, known, work);
  if (report.hello) work.wishes.push(...defaultFabric(host.id, report.hello.inventory, view.resources, ids));
  for (const { kind, id, generation } of work.wishes) if (generation === 1) work.events.push({ kind, id, gone: false });
  const after = (ref: ResourceRef): Held | null =>
    work.removed.has(refKey(ref)) ? null : (work.after.get(refKey(ref)) ?? known.get(refKey(ref)) ?? null);
  const { updates, log } = settleTasks(view.tasks, after, report, nowMs);
  const orphans = orphansAfter(host, report, known);
  const wasAway = !host.connected || host.session !== report.session;
  const events: EventWrite[] = [
    ...work.events,
    // A line of a log is news of its task: whoever looks at it asks for what came.
    ...changedTasks([...updates, ...log.map(({ taskId }) => ({ id: taskId }))]),
    ...(wasAway || report.hello || report.hardware ? [{ kind: 'host', id: host.id, gone: false } as const] : []),
  ];
  const saysNothing = events.length + work.removals.length === 0 && isSameJson(orphans, host.orphans);
  const heard = heardIn(host, report, nowMs);
  const figures = figuresIn(host, report, nowMs);
  return {
    change: saysNothing
      ? { by: host.name, atMs: nowMs, heard: [heard], ...figures }
      : {
          by: host.name,
          atMs: nowMs,
          wishes: work.wishes,
          restsOn: work.restsOn,
          observations: work.observations,
          removals: work.removals,
          taskUpdates: updates,
          log,
          hosts: [{ ...heard, ...hostUpdate(host, report, orphans, nowMs) }],
          events,
          ...figures,
        },
    answer: {
      dropped: false,
      helloWanted: !report.hello && host.session !== report.session,
      hardwareWanted: wantsHardware(report.hello, view.hardwareDigest),
      lastBoot: null,
      warnings: work.warnings,
      dispatch: report.hello !== undefined || work.wishes.length > 0 || work.resend,
    },
  };
}

interface Work {
  readonly wishes: WishWrite[];
  readonly restsOn: (ResourceRef & { readonly generation: number })[];
  readonly observations: ObservationWrite[];
  readonly removals: ResourceRef[];
  readonly removed: Set<string>;
  /** Resources as they are once this report is absorbed. */
  readonly after: Map<string, Held>;
  readonly events: EventWrite[];
  readonly warnings: string[];
  resend: boolean;
}
const newWork = (): Work => ({
  wishes: [],
  restsOn: [],
  observations: [],
  removals: [],
  removed: new Set(),
  after: new Map(),
  events: [],
  warnings: [],
  resend: false,
});

const isOlder = (report: Report, host: Host): boolean =>
  report.boot < host.boot || (report.boot === host.boot && report.sequence <= host.sequence);

/** An agent that counts from too low was restored, or lost its journal: it must step above what was seen, and introduce itself anew. */
function droppedReport(report: Report, host: Host, nowMs: number): Decision<Absorbed> {
  const isUnknown = report.session !== host.session;
  // In the boot that we know, it may be a repetition: only the hello of another start of the agent shows that it is none.
  const isRestored = isUnknown && (report.boot < host.boot || (report.hello !== undefined && report.hello.run !== host.run));
  return {
    change: { by: host.name, atMs: nowMs },
    answer: {
      dropped: true,
      helloWanted: isUnknown,
      hardwareWanted: false,
      lastBoot: isRestored ? host.boot + (report.boot === host.boot ? 1 : 0) : null,
      warnings: [],
      dispatch: false,
    },
  };
}

/** What the agent does not even understand as a command is, for those who wait, as if it had said so of the resource. */
function refusedStatuses({ refused = [] }: Report, known: ReadonlyMap<string, Held>): ResourceStatus[] {
  return refused.flatMap(({ kind, id, generation, problem }) => {
    const held = known.get(`${kind}/${id}`);
    if (!held || held.generation !== generation) return [];
    const { observed = {} } = held.status ?? {};
    const told = { acked: generation, applied: held.appliedGeneration, gone: false };
    return [{ kind: held.kind, id, ...told, condition: 'unsupported' as const, problem, observed }];
  });
}

/** A hello shows the host's whole journal: what it does not hold, it has not acknowledged, whatever it said once. */
function absorbJournal(hello: Hello, statuses: readonly ResourceStatus[], known: ReadonlyMap<string, Held>, work: Work): void {
  const journal = new Map(hello.journal.map((entry) => [refKey(entry), entry]));
  const spokenOf = new Set(statuses.map(refKey));
  for (const [key, held] of known) {
    const entry = journal.get(key);
    const acked = entry?.generation ?? 0;
    if (spokenOf.has(key) || (!entry && hello.journalIsCut)) continue;
    if (isKind('task')(held) && !entry) {
      // Never sent twice as it was: it may have been carried out. Cancelled, it only says what became of it.
      if (held.ackedGeneration > 0 && !held.spec.cancelled) work.wishes.push(cancelledCarrier(held));
      else if (held.ackedGeneration > 0) observe(held, { ackedGeneration: 0 }, work);
      continue;
    }
    if (entry && heal(held, acked, entry.digest, work)) continue;
    if (acked !== held.ackedGeneration) observe(held, { ackedGeneration: acked }, work);
  }
}

function absorbStatus(status: ResourceStatus, known: ReadonlyMap<string, Held>, work: Work): void {
  const held = known.get(refKey(status));
  if (!held) return;
  if (status.gone && held.deletion && status.acked >= held.generation) {
    work.removals.push({ kind: held.kind, id: held.id });
    work.removed.add(refKey(held));
    work.events.push({ kind: held.kind, id: held.id, gone: true });
    return;
  }
  if (isKind('task')(held) && isFinalTask(status)) {
    // The host remembers by itself that it is done: nobody needs to be told again, or healed of another history.
    work.removals.push({ kind: held.kind, id: held.id });
    return;
  }
  // Above our own generation it speaks of another history: heal() sends the wish again, and what then holds will count.
  const applied = status.applied > held.generation ? 0 : status.applied;
  observe(held, { ackedGeneration: status.acked, appliedGeneration: Math.max(held.appliedGeneration, applied), status }, work);
  // A host that says the same as before of what it was sent again since reads wishes differently, as one of another release may:
  // it would else be sent them for ever. Its journal, shown once for each connection, is answered in any case.
  heal(held, status.acked, status.digest === held.status?.digest ? undefined : status.digest, work);
}

const isFinalTask = ({ observed }: ResourceStatus): boolean =>
  observed.state === 'done' || observed.state === 'failed' || observed.state === 'cancelled';

/** A host that knows a newer generation than we do, or another content of the same, wins no argument: the wish is sent again under a higher number. */
function heal(held: Held, acked: number, digestSeen: string | undefined, work: Work): boolean {
  const isAhead = acked > held.generation;
  const differs = acked === held.generation && digestSeen !== undefined && digestSeen !== digestOfWish(held);
  if (!isAhead && !differs) return false;
  const { kind, id, hostId, spec, deletion } = held;
  // Sound: kind and spec come from one resource, which a spread of a union cannot express.
  work.wishes.push({ kind, id, hostId, generation: Math.max(acked, held.generation) + 1, spec, deletion } as WishWrite);
  work.restsOn.push({ kind, id, generation: held.generation });
  work.events.push({ kind, id, gone: false });
  work.warnings.push(
    isAhead
      ? `${kind} ${id}: the host holds generation ${acked}, we ${held.generation}: was this database restored? Sent again as ${acked + 1}`
      : `${kind} ${id}: the host holds another content under generation ${acked}. Sent again as ${acked + 1}`,
  );
  return true;
}

function observe(held: Held, seen: Partial<Pick<Held, 'ackedGeneration' | 'appliedGeneration' | 'status'>>, work: Work): void {
  const { kind, id } = held;
  const { ackedGeneration, appliedGeneration, status } = held;
  const next = { ackedGeneration, appliedGeneration, status, ...seen };
  if (isSameJson(next, { ackedGeneration, appliedGeneration, status })) return;
  work.observations.push({ kind, id, ...next });
  work.after.set(refKey(held), { ...held, ...next });
  work.events.push({ kind, id, gone: false });
  if (next.ackedGeneration < ackedGeneration) work.resend = true;
}

/** What a host can make us remember is bounded. */
const ORPHANS_MAX = 1_000;

/** Things on the host that no wish speaks of. Listed for a person to decide; never removed because we know nothing of them. */
function orphansAfter(host: Host, report: Report, known: ReadonlyMap<string, Held>): readonly ResourceRef[] {
  const seen = new Map<string, ResourceRef>();
  const note = ({ kind, id }: ResourceRef): unknown =>
    kind !== 'task' && !known.has(refKey({ kind, id })) && seen.set(refKey({ kind, id }), { kind, id });
  for (const orphan of report.hello ? report.hello.journal : host.orphans) note(orphan);
  for (const status of report.statuses) {
    if (status.gone) seen.delete(refKey(status));
    else note(status);
  }
  return [...seen.values()].slice(0, ORPHANS_MAX);
}

/** A start of the agent that another has replaced speaks again: both are alive, with one key. */
function runUpdate(host: Host, run: string | undefined, nowMs: number): Pick<HostUpdate, 'run' | 'previousRun' | 'cloneSeenAtMs'> {
  if (run === undefined || run === host.run) return {};
  return { run, previousRun: host.run, ...(run === host.previousRun ? { cloneSeenAtMs: nowMs } : {}) };
}

function heardIn(host: Host, report: Report, nowMs: number): Heard {
  return {
    id: host.id,
    after: { boot: host.boot, sequence: host.sequence },
    boot: report.boot,
    sequence: report.sequence,
    heardAtMs: nowMs,
    asOfMs: Math.max(report.sentAtMs, host.asOfMs),
    clockAheadMs: report.sentAtMs - nowMs,
  };
}

const wantsHardware = (hello: Hello | undefined, known: string | null): boolean =>
  hello?.inventory.hardwareDigest !== undefined && hello.inventory.hardwareDigest !== known;

/** The host's clock may be off; how old its figures were when it sent them is the same by any. */
function figuresIn(host: Host, { figures, sentAtMs }: Report, nowMs: number): Pick<Change, 'figures'> {
  return figures ? { figures: [{ hostId: host.id, atMs: nowMs - Math.max(0, sentAtMs - figures.atMs), figures }] } : {};
}

function hostUpdate(host: Host, report: Report, orphans: readonly ResourceRef[], nowMs: number): Partial<HostUpdate> {
  return {
    connected: true,
    ...(report.statuses.length > 0 ? { progressAtMs: nowMs } : {}),
    ...(report.hello ? { session: report.session, inventory: report.hello.inventory, ...runUpdate(host, report.hello.run, nowMs) } : {}),
    ...(report.hardware ? { hardware: report.hardware } : {}),
    ...(orphans.length === 0 && host.orphans.length === 0 ? {} : { orphans }),
  };
}

/** A host said farewell, or its connection broke. An old connection's last will does not count against a newer one. */
export function absorbGone(host: Host, gone: Pick<Gone, 'session'>, nowMs: number): Change | null {
  return host.connected && gone.session === host.session ? awayChange(host, nowMs) : null;
}

/** A connection may live on though nobody is at its other end. Null: the host has spoken meanwhile. */
export const silence = (host: Host, heardBeforeMs: number, nowMs: number): Change | null =>
  host.connected && host.heardAtMs !== null && host.heardAtMs < heardBeforeMs ? awayChange(host, nowMs) : null;

export const awayChange = (host: Host, nowMs: number): Change => ({
  by: host.name,
  atMs: nowMs,
  hosts: [{ id: host.id, connected: false }],
  events: [{ kind: 'host', id: host.id, gone: false }],
});
