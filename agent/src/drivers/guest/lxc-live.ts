import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ContainerSpec, MiB } from '@drover/shared/model/guest';
import { run } from '../../host/shell.ts';
import { type CgroupMounts, containerCgroup, writeLimits } from './lxc-cgroup.ts';
import { type LxcHost, limits } from './lxc-config.ts';

/** What a running container can be given, and the controller that holds it. */
const CONTROLLER_OF = { memoryBytes: 'memory', swapBytes: 'memory', cores: 'cpu', processesMax: 'pids' } as const;
const MEMORY_SPARE_BYTES = 8 * MiB;
const LIVE_FIELDS = ['memoryBytes', 'swapBytes', 'cores', 'processesMax'] as const;

/** Gives a running container what can change while it runs. Returns the settings that it runs with from now on. */
export async function applyLive(
  initPid: number,
  runs: ContainerSpec,
  wished: ContainerSpec,
  on: { readonly host: LxcHost; readonly cgroups: CgroupMounts; readonly signal: AbortSignal },
): Promise<ContainerSpec> {
  const group = (controller: string) => containerCgroup(initPid, controller, on.cgroups);
  const given = limits(wished, on.host).filter(
    ({ controller }) => controller !== 'memory' || on.host.cgroups === 'v1' || wished.memoryBytes > neededMemory(group('memory')),
  );
  const refused = writeLimits(given, ({ controller, file }) => join(group(controller), file));
  const held = new Set(
    given.filter((limit) => !refused.some(({ controller }) => controller === limit.controller)).map((limit) => limit.controller),
  );
  // A limit that this host cannot set at all is no reason for a restart.
  const settable = new Set(limits(wished, on.host).map(({ controller }) => controller));
  const inForce = LIVE_FIELDS.filter((field) => held.has(CONTROLLER_OF[field]) || !settable.has(CONTROLLER_OF[field]));
  if (runs.name !== wished.name) {
    await run('nsenter', [`--target=${initPid}`, '--uts', '--', 'hostname', wished.name], { signal: on.signal, timeoutMs: 5_000 });
  }
  return { ...runs, name: wished.name, ...Object.fromEntries(inForce.map((field) => [field, wished[field]])) };
}

/** Settings that a running container does not have yet. The size of a disk is its storage's business, and keys are written only once. */
export function restartFields(runs: ContainerSpec, applied: ContainerSpec): string[] {
  const disks = (spec: ContainerSpec) => JSON.stringify(spec.disks.map(({ name, storageId, imageId }) => [name, storageId, imageId]));
  const changed: string[] = LIVE_FIELDS.filter((field) => runs[field] !== applied[field]);
  if (runs.unprivileged !== applied.unprivileged) changed.push('unprivileged');
  if (disks(runs) !== disks(applied)) changed.push('disks');
  if (JSON.stringify(runs.nics) !== JSON.stringify(applied.nics)) changed.push('nics');
  return changed;
}

/** What a container cannot give back, and a little more: v2 would end its processes to get below a limit, where v1 refuses it. */
function neededMemory(group: string): number {
  const stat = readFileSync(join(group, 'memory.stat'), 'latin1');
  const cached = ['active_file', 'inactive_file'].map((name) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0));
  return Number(readFileSync(join(group, 'memory.current'), 'latin1')) - cached.reduce((sum, bytes) => sum + bytes, 0) + MEMORY_SPARE_BYTES;
}
