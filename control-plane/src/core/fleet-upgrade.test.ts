import { HostId, TaskId } from '@drover/shared/model/id';
import type { AgentRelease } from '@drover/shared/model/task';
import { describe, expect, it } from 'vitest';
import { aHost, anAsk, aTask, NOW_MS } from '../../../test/control-plane/held.ts';
import { advanceFleetUpgrade, beginFleetUpgrade, type FleetUpgradeView, ringsOf, type Upgrading } from './fleet-upgrade.ts';
import type { Task } from './held.ts';

const RELEASE: AgentRelease = { version: '0.2.0', build: 'bbbbbbbbbbbb', sha256: 'b'.repeat(64), sizeBytes: 1 };
const idOf = (number: number) => HostId.parse(`host_${String(number).padStart(20, '0')}`);
const ids = Array.from({ length: 20 }, (_, at) => TaskId.parse(`task_${String(at).padStart(20, '0')}`));

type Over = Partial<Upgrading['host']> & { readonly build?: string; readonly upgrade?: Partial<Task> | null; readonly blocked?: string };
function aHostOf(number: number, { build = 'aaaaaaaaaaaa', upgrade = null, blocked, ...over }: Over = {}): Upgrading {
  return {
    host: aHost({ id: idOf(number), name: `h${number}`, ...over }),
    agent: { agentVersion: '0.1.0', agentBuild: build, upgradeBlocked: blocked },
    upgrade: upgrade === null ? null : aTask({ state: 'running', ...upgrade }),
  };
}
const NEW = { build: RELEASE.build } as const;

function begun(hosts: readonly Upgrading[]): Task {
  const [task] = beginFleetUpgrade(hosts, RELEASE, anAsk()).change.newTasks ?? [];
  return task ?? expect.fail('no task');
}
const ringOf = (task: Task, hosts: readonly Upgrading[]): FleetUpgradeView => {
  const wanted = task.spec.do === 'fleet.upgrade' ? (task.spec.rings[task.spec.ring] ?? []) : [];
  return { task, ring: hosts.filter(({ host }) => wanted.includes(host.id)) };
};
const advance = (task: Task, hosts: readonly Upgrading[], nowMs = NOW_MS) => advanceFleetUpgrade(ringOf(task, hosts), ids, nowMs).change;
/** The task as the change leaves it. */
const after = (task: Task, change: ReturnType<typeof advance>): Task => ({ ...task, ...change.taskUpdates?.[0] });

describe('an upgrade of many hosts', () => {
  it('goes to one host first, then to a tenth, then to the rest', () => {
    const hosts = Array.from({ length: 31 }, (_, at) => idOf(at));
    expect(ringsOf(hosts).map((ring) => ring.length)).toEqual([1, 4, 26]);
    expect(ringsOf(hosts).flat()).toEqual(hosts);
    expect(ringsOf(hosts.slice(0, 1))).toEqual([[idOf(0)]]);
    expect(ringsOf([])).toEqual([]);
  });

  it('takes those that need it and can; one that is away comes last', () => {
    const task = begun([aHostOf(1, { connected: false }), aHostOf(2, NEW), aHostOf(3, { blocked: 'it runs from a clone' }), aHostOf(4)]);
    expect(task.spec).toMatchObject({ rings: [[idOf(4)], [idOf(1)]], ring: 0 });
  });

  it('is refused, with the reason, when there is nobody that can', () => {
    expect(() => begun([aHostOf(1, { blocked: 'it runs from a clone' })])).toThrow('it runs from a clone');
    expect(() => begun([aHostOf(1, NEW), aHostOf(2, NEW)])).toThrow('all 2 agents are 0.2.0 already');
  });

  it('begins with its first host alone, and tells nobody else before that one gets on', () => {
    const hosts = [aHostOf(1), aHostOf(2), aHostOf(3)];
    const task = begun(hosts);
    expect(advance(task, hosts).newTasks?.map(({ target }) => target.id)).toEqual([idOf(1)]);
    const waiting = [aHostOf(1, { upgrade: {} }), aHostOf(2), aHostOf(3)];
    expect(advance(task, waiting).newTasks ?? []).toEqual([]);
    // Done by its task, but it has not yet said that it is the new one.
    expect(advance(task, [aHostOf(1, { upgrade: { state: 'done' } }), aHostOf(2), aHostOf(3)]).newTasks ?? []).toEqual([]);
  });

  it('goes on with the next ring when the one before gets on, and ends with the last', () => {
    const hosts = [aHostOf(1, { ...NEW, upgrade: { state: 'done' } }), aHostOf(2), aHostOf(3)];
    const first = begun([aHostOf(1), aHostOf(2), aHostOf(3)]);
    const second = after(first, advance(first, hosts));
    expect(second).toMatchObject({ state: 'running', spec: { ring: 1 }, result: { upgraded: 1, leftOut: 0 } });
    expect(advance(second, hosts).newTasks?.map(({ target }) => target.id)).toEqual([idOf(2)]);
    const third = after(second, advance(second, [hosts[0] ?? aHostOf(1), aHostOf(2, { ...NEW, upgrade: { state: 'done' } }), aHostOf(3)]));
    const last = after(third, advance(third, [aHostOf(3, { connected: false })]));
    expect(last).toMatchObject({ state: 'done', result: { upgraded: 2, leftOut: 1 } });
  });

  it('stops at the first host that does not get on, says why, and leaves the rest as they are', () => {
    const failed = aHostOf(1, { upgrade: { state: 'failed', problem: PROBLEM } });
    const task = begun([aHostOf(1), aHostOf(2), aHostOf(3)]);
    const change = advance(task, [failed, aHostOf(2), aHostOf(3)]);
    expect(change.newTasks ?? []).toEqual([]);
    expect(after(task, change)).toMatchObject({
      state: 'failed',
      problem: {
        detail: 'h1: the agent before it is back',
        suggestion: '2 hosts were left as they are; see to this one, then begin again',
      },
    });
  });

  it('stops when a host got on and then fell silent', () => {
    const task = begun([aHostOf(1), aHostOf(2)]);
    const silent = aHostOf(1, { ...NEW, upgrade: { state: 'done' }, connected: false, heardAtMs: NOW_MS });
    expect(after(task, advance(task, [silent], NOW_MS + 60_000)).state).toBe('running');
    expect(after(task, advance(task, [silent], NOW_MS + 121_000))).toMatchObject({
      state: 'failed',
      problem: { detail: 'h1: it has not been heard since' },
    });
  });

  it('has at most twenty hosts at work at once', () => {
    const hosts = Array.from({ length: 60 }, (_, at) => aHostOf(at));
    const task: Task = { ...begun(hosts) };
    const wide: Task = { ...task, spec: { ...task.spec, rings: [hosts.map(({ host }) => host.id)] } as Task['spec'] };
    expect(advance(wide, hosts).newTasks).toHaveLength(20);
    const busy = hosts.map((each, at) => (at < 15 ? aHostOf(at, { upgrade: {} }) : each));
    expect(advance(wide, busy).newTasks).toHaveLength(5);
  });

  it('writes nothing when nothing has changed, and nothing once it has ended', () => {
    const hosts = [aHostOf(1, { upgrade: {} }), aHostOf(2)];
    const task = begun([aHostOf(1), aHostOf(2)]);
    const seen = after(task, advance(task, hosts));
    expect(advance(seen, hosts).taskUpdates ?? []).toEqual([]);
    expect(advance({ ...task, state: 'cancelled' }, [aHostOf(1)]).newTasks ?? []).toEqual([]);
  });
});

const PROBLEM = { code: 'host-failed', status: 502, title: '', detail: 'the agent before it is back', retryable: false } as const;
