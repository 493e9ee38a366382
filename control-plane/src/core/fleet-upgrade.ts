import { Problem } from '@drover/shared/lib/problem';
import type { HostId, TaskId } from '@drover/shared/model/id';
import type { AgentRelease, TaskSpecOf } from '@drover/shared/model/task';
import { blankTask, changedTasks, endedTask } from './apply-task.ts';
import { type Accepted, type Ask, type Change, type Decision, merged, type TaskUpdate } from './change.ts';
import { isFinished, type Task } from './held.ts';
import { type Upgradable, upgradeOf, upgradeStateOf } from './host-tasks.ts';

/** So many hosts at once: each fetches its package from here, and a mistake in it meets no more than these. */
export const AT_ONCE_MAX = 20;
/** A host that got on and then falls silent for so long did not get on. */
const SILENT_MS = 120_000;

/** A host of a ring, as the upgrade looks at it. */
export interface Upgrading extends Upgradable {
  readonly host: Upgradable['host'] & { readonly heardAtMs: number | null };
  /** Its newest upgrade since the whole one began; null: it has not had its turn. */
  readonly upgrade: Task | null;
}

export interface FleetUpgradeView {
  readonly task: Task;
  /** Hosts of the ring that is under way; one that was forgotten is not among them. */
  readonly ring: readonly Upgrading[];
}

/** One host first; when it gets on, a tenth of them; when those do, the rest. */
export function ringsOf(hosts: readonly HostId[]): HostId[][] {
  const tenth = 1 + Math.ceil(hosts.length / 10);
  return [hosts.slice(0, 1), hosts.slice(1, tenth), hosts.slice(tenth)].filter((ring) => ring.length > 0);
}

/** Begins to upgrade many hosts, of which those that need it and can are taken. */
export function beginFleetUpgrade(hosts: readonly Upgradable[], release: AgentRelease, ask: Ask): Decision<Accepted> {
  const states = hosts.map((each) => ({ ...each, ...upgradeStateOf(each, release) }));
  const due = states.filter(({ state }) => state === 'available' || state === 'away');
  if (!states.some(({ state }) => state === 'available')) {
    const blocked = states.find(({ reason }) => reason !== null);
    throw new Problem('wrong-state', blocked?.reason ?? `all ${hosts.length} agents are ${release.version} already`);
  }
  // One that is away now may be back by the time of the last ring.
  const order = [...due].sort((a, b) => Number(a.state === 'away') - Number(b.state === 'away'));
  const { version, build, sha256, sizeBytes } = release;
  const rings = ringsOf(order.map(({ host }) => host.id));
  const task: Task = {
    ...blankTask(ask),
    purpose: 'act',
    spec: { do: 'fleet.upgrade', version, build, sha256, sizeBytes, rings, ring: 0, cancelled: false },
    title: `upgrade the agents on ${due.length} hosts to ${version}`,
    target: { kind: 'task', id: ask.taskId },
    targetName: 'fleet',
    hostId: null,
    state: 'running',
  };
  return {
    change: { by: ask.by, atMs: ask.nowMs, newTasks: [task], events: changedTasks([task]) },
    answer: { ref: task.target, taskId: task.id },
  };
}

type Turn = 'done' | 'running' | 'begin' | 'left-out' | 'failed';

/** What time and reports have brought about: hosts whose turn it is begin; a ring that got on makes room for the next; one failure ends it all. */
export function advanceFleetUpgrade({ task, ring }: FleetUpgradeView, ids: readonly TaskId[], nowMs: number): Decision<null> {
  const nothing: Decision<null> = { change: { by: task.createdBy, atMs: nowMs }, answer: null };
  const { spec } = task;
  if (spec.do !== 'fleet.upgrade' || isFinished(task.state)) return nothing;
  const turns = ring.map((each) => ({ ...each, turn: turnOf(each, spec, nowMs) }));
  const failed = turns.find(({ turn }) => turn === 'failed');
  if (failed) return stopped(task, spec, failed, turns.filter(({ turn }) => turn === 'begin').length, nowMs);
  const running = turns.filter(({ turn }) => turn === 'running').length;
  const next = turns.filter(({ turn }) => turn === 'begin').slice(0, Math.max(0, AT_ONCE_MAX - running));
  const begun = next.flatMap(({ host }, at) => {
    const taskId = ids[at];
    return taskId === undefined ? [] : [upgradeOf(host, spec, { by: task.createdBy, nowMs, taskId }).change];
  });
  const isOver = running === 0 && next.length === 0;
  const update: TaskUpdate = isOver ? nextRing(task, spec, turns, nowMs) : { id: task.id, activity: activityOf(task, spec, turns, nowMs) };
  const isNews = isOver || begun.length > 0 || update.activity?.detail !== task.activity?.detail;
  if (!isNews) return nothing;
  const base = { by: task.createdBy, atMs: nowMs };
  const own: Change = {
    ...base,
    taskUpdates: [update],
    events: changedTasks([task]),
  };
  const log = isOver ? [{ taskId: task.id, atMs: nowMs, line: wordsOn(spec, turns) }] : [];
  return { change: { ...merged(base, [own, ...begun]), log }, answer: null };
}

type Spec = TaskSpecOf<'fleet.upgrade'>;
type InTurn = Upgrading & { readonly turn: Turn };

function turnOf(each: Upgrading, spec: Spec, nowMs: number): Turn {
  const { upgrade, host } = each;
  if (upgrade && !isFinished(upgrade.state)) return 'running';
  if (upgrade && upgrade.state !== 'done') return 'failed';
  const { state } = upgradeStateOf(each, spec);
  if (upgrade) {
    if (!host.connected && nowMs - (host.heardAtMs ?? 0) > SILENT_MS) return 'failed';
    // Its own word that it is the new one comes with its next hello.
    return host.connected && state === 'current' ? 'done' : 'running';
  }
  if (state === 'current') return 'done';
  return state === 'available' ? 'begin' : 'left-out';
}

function stopped(task: Task, spec: Spec, { host, upgrade }: InTurn, notBegun: number, nowMs: number): Decision<null> {
  const later = spec.rings.slice(spec.ring + 1).flat().length + notBegun;
  const why = upgrade?.problem?.detail ?? 'it has not been heard since';
  const problem = new Problem('host-failed', `${host.name}: ${why}`, {
    suggestion:
      later > 0 ? `${later} hosts were left as they are; see to this one, then begin again` : 'see to this host, then begin again',
  });
  const update = endedTask(task, 'failed', problem, nowMs);
  return {
    change: { by: task.createdBy, atMs: nowMs, taskUpdates: [update], events: changedTasks([update]) },
    answer: null,
  };
}

function nextRing(task: Task, spec: Spec, turns: readonly InTurn[], nowMs: number): TaskUpdate {
  const leftOut = (countOf(task.result, 'leftOut') ?? 0) + turns.filter(({ turn }) => turn === 'left-out').length;
  const upgraded = (countOf(task.result, 'upgraded') ?? 0) + turns.filter(({ turn }) => turn === 'done').length;
  const result = { upgraded, leftOut };
  const ring = spec.ring + 1;
  return ring < spec.rings.length
    ? { id: task.id, spec: { ...spec, ring }, result, activity: null }
    : { id: task.id, state: 'done', finishedAtMs: nowMs, result, activity: null, waitingFor: null };
}

const countOf = (result: Task['result'], name: string): number | null => {
  const value = result?.[name];
  return typeof value === 'number' ? value : null;
};

function activityOf(task: Task, spec: Spec, turns: readonly InTurn[], nowMs: number): Task['activity'] {
  const done = turns.filter(({ turn }) => turn === 'done').length;
  const title = `ring ${spec.ring + 1} of ${spec.rings.length}`;
  return {
    title,
    progress: turns.length === 0 ? null : done / turns.length,
    detail: `${done} of ${turns.length} hosts`,
    sinceMs: task.activity?.title === title ? task.activity.sinceMs : nowMs,
  };
}

function wordsOn(spec: Spec, turns: readonly InTurn[]): string {
  const names = (turn: Turn) => turns.filter((each) => each.turn === turn).map(({ host }) => host.name);
  const [done, leftOut] = [names('done'), names('left-out')];
  const left = leftOut.length > 0 ? `; left out, as they cannot be told now: ${leftOut.slice(0, 20).join(', ')}` : '';
  return `ring ${spec.ring + 1} of ${spec.rings.length} gets on: ${done.slice(0, 20).join(', ')}${done.length > 20 ? ' …' : ''}${left}`;
}
