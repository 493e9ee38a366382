import { Problem } from '@drover/shared/lib/problem';
import type { Inventory } from '@drover/shared/model/host';
import type { AgentRelease, HostPower, TaskSpec } from '@drover/shared/model/task';
import { blankTask, changedTasks } from './apply-task.ts';
import type { Accepted, Ask, Change, Decision } from './change.ts';
import type { Host, Task } from './held.ts';
import type { HostDecisionView } from './views.ts';

/** Guests are given their time to shut down, the firmware its own, and the agent a while to be heard again. */
const POWER_MS = 30 * 60_000;
/** The package, what it needs from Debian, a minute on trial, and the way back. */
const UPGRADE_MS = 15 * 60_000;

/** Who has a task made, and when. */
export type TaskAsk = Pick<Ask, 'by' | 'nowMs' | 'taskId'>;

/** What of a host an upgrade depends on. */
export interface Upgradable {
  readonly host: Pick<Host, 'id' | 'name' | 'connected'>;
  readonly agent: Pick<Inventory, 'agentVersion' | 'agentBuild' | 'upgradeBlocked'> | null;
}

/** current: it runs this very build. blocked: it has to be done by hand there, for the reason given. away: it cannot be told now. */
export type UpgradeState =
  | { readonly state: 'current' | 'available'; readonly reason: null }
  | { readonly state: 'blocked' | 'away'; readonly reason: string };

export function upgradeStateOf({ host, agent }: Upgradable, release: Pick<AgentRelease, 'build'>): UpgradeState {
  if (agent?.agentBuild === release.build) return { state: 'current', reason: null };
  if (!host.connected) return { state: 'away', reason: `the host ${host.name} is away` };
  if (!agent) return { state: 'away', reason: `the host ${host.name} has not introduced itself yet` };
  if (agent.agentBuild === undefined)
    return { state: 'blocked', reason: `the agent ${agent.agentVersion} on ${host.name} cannot be upgraded from here yet` };
  return agent.upgradeBlocked === undefined
    ? { state: 'available', reason: null }
    : { state: 'blocked', reason: `the agent on ${host.name} cannot be upgraded from here: ${agent.upgradeBlocked}` };
}

/** Has the host's agent replaced by this control plane's own. */
export function beginUpgrade({ host, agent }: Upgradable, release: AgentRelease, ask: Ask): Decision<Accepted> {
  const { state, reason } = upgradeStateOf({ host, agent }, release);
  if (state === 'current') throw new Problem('wrong-state', `the agent on ${host.name} is ${release.version} already`);
  if (state === 'away') throw new Problem('host-away', reason, { retryable: true, suggestion: 'try again when it is back' });
  if (state === 'blocked')
    throw new Problem('unsupported', reason, {
      suggestion: 'on that host, run the line again that "drover host add" shows, with its token',
    });
  const { change, task } = upgradeOf(host, release, ask);
  return { change, answer: { ref: task.target, taskId: task.id } };
}

/** The task, and what writes it; the caller has seen that the host can do it. */
export function upgradeOf(
  host: Upgradable['host'],
  { version, build, sha256, sizeBytes }: AgentRelease,
  ask: TaskAsk,
): { readonly change: Change; readonly task: Task } {
  return onHost(
    host,
    { do: 'agent.upgrade', version, build, sha256, sizeBytes, cancelled: false },
    `upgrade the agent on ${host.name}`,
    UPGRADE_MS,
    ask,
  );
}

/** Reboots the host, or shuts it down. Its guests are shut down first; those that are wished running start again when it is back. */
export function beginHostPower({ host, tasks }: HostDecisionView, action: HostPower, ask: Ask): Decision<Accepted> {
  if (!host.connected)
    throw new Problem('host-away', `the host ${host.name} is away`, { retryable: true, suggestion: 'try again when it is back' });
  const other = tasks.find(({ spec }) => spec.do === 'host.power' || spec.do === 'agent.upgrade');
  if (other)
    throw new Problem('busy', `first this must end: ${other.title}`, { retryable: true, suggestion: `drover task wait ${other.id}` });
  const title = action === 'reboot' ? `reboot host ${host.name}` : `shut down host ${host.name}`;
  const { change, task } = onHost(host, { do: 'host.power', action, cancelled: false }, title, POWER_MS, ask);
  return { change, answer: { ref: task.target, taskId: task.id } };
}

function onHost(host: Upgradable['host'], spec: TaskSpec, title: string, deadlineMs: number, ask: TaskAsk) {
  const task: Task = {
    ...blankTask(ask),
    purpose: 'act',
    spec,
    title,
    target: { kind: 'host', id: host.id },
    targetName: host.name,
    hostId: host.id,
    deadlineAtMs: ask.nowMs + deadlineMs,
  };
  const change: Change = {
    by: ask.by,
    atMs: ask.nowMs,
    wishes: [{ kind: 'task', id: task.id, hostId: host.id, generation: 1, spec, deletion: null }],
    newTasks: [task],
    events: [...changedTasks([task]), { kind: 'host', id: host.id, gone: false }],
  };
  return { change, task };
}
