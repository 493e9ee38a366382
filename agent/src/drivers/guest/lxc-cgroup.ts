import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { readTextIfThere } from '../../host/durable-file.ts';
import { GUESTS_SLICE } from '../../host/supervise.ts';

/** Where the kernel's control groups are mounted; of v1 one for each controller. */
export interface CgroupMounts {
  readonly version: 'v1' | 'v2';
  readonly byController: ReadonlyMap<string, string>;
  readonly all: readonly string[];
}

const V2_ROOT = '/sys/fs/cgroup';
const V1_CONTROLLERS = ['memory', 'cpu', 'pids', 'devices'] as const;
const EMPTY_DEADLINE_MS = 5_000;

export function findCgroups(mountinfo: string = readFileSync('/proc/self/mountinfo', 'utf8')): CgroupMounts {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    const path = before?.split(' ')[4];
    const [type, , options] = after?.split(' ') ?? [];
    return path && (type === 'cgroup' || type === 'cgroup2') ? [{ path, type, options: (options ?? '').split(',') }] : [];
  });
  const all = mounts.map((mount) => mount.path);
  if (mounts.some(({ type, path }) => type === 'cgroup2' && path === V2_ROOT)) {
    const names = (readTextIfThere(join(V2_ROOT, 'cgroup.controllers')) ?? '').trim().split(' ');
    return { version: 'v2', byController: new Map(names.map((name) => [name, V2_ROOT])), all };
  }
  const byController = new Map<string, string>();
  for (const controller of V1_CONTROLLERS) {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
    if (mount) byController.set(controller, mount.path);
  }
  return { version: 'v1', byController, all };
}

/** Can swap be limited? The file is in every group but the first. */
export function limitsSwap({ version, byController }: CgroupMounts): boolean {
  const root = byController.get('memory');
  if (root === undefined) return false;
  if (version === 'v1') return existsSync(join(root, 'memory.memsw.limit_in_bytes'));
  return readdirSync(root).some((name) => existsSync(join(root, name, 'memory.swap.max')));
}

/** The folder of a running container's own group, for one controller; from the groups of its first process. */
export function containerCgroup(initPid: number, controller: string, mounts: CgroupMounts): string {
  const root = mounts.byController.get(controller);
  const groups = readFileSync(`/proc/${initPid}/cgroup`, 'latin1').split('\n');
  const group = groups
    .map((line) => line.split(':'))
    .find(([, names]) => (mounts.version === 'v2' ? names === '' : names?.split(',').includes(controller)));
  // A systemd in the container has moved itself into a group below.
  const own = /^.*?\/lxc\.payload\.[^/]+/.exec(group?.[2] ?? '')?.[0];
  if (root === undefined || own === undefined)
    throw new Problem('host-failed', `the container's control group for ${controller} was not found`);
  return join(root, own);
}

/** Writes limits in order; when one is refused because of the order (v1 wants swap never below memory), the rest go first. Returns what was refused. */
export function writeLimits<T extends { readonly value: string }>(limits: readonly T[], pathOf: (limit: T) => string): readonly T[] {
  let left = limits;
  for (let before = Number.POSITIVE_INFINITY; left.length > 0 && left.length < before; ) {
    before = left.length;
    left = left.filter((limit) => !tryWrite(pathOf(limit), limit.value));
  }
  return left;
}

/** Where systemd keeps the groups of guests' units, with v2. */
const UNITS = join(V2_ROOT, 'drover.slice', GUESTS_SLICE);
/** The unit of the container `drover-100`. */
const unitFolder = (name: string): string => join(UNITS, `${name.replace(/-(\d+)$/, '-container-$1')}.service`);

/** Has a container of this name a group of its own? What is left of earlier runs is swept before each start. */
export function hasCgroup(name: string, mounts: CgroupMounts): boolean {
  const mount = mounts.byController.get('pids') ?? mounts.all[0];
  const places = mount === undefined ? [unitFolder(name)] : [unitFolder(name), mount];
  return places.some((place) => existsSync(join(place, `lxc.payload.${name}`)));
}

/** Groups that belong to a container of this name, at all places. */
function cgroupsOf(name: string, mounts: CgroupMounts): readonly string[] {
  const pattern = new RegExp(`^lxc\\.(payload|monitor)\\.${name}(-\\d+)?$`);
  return [...mounts.all, unitFolder(name)].flatMap((place) =>
    foldersIn(place)
      .filter((entry) => pattern.test(entry))
      .map((entry) => join(place, entry)),
  );
}

/** Names of containers that have a group with processes in it. */
export function containersWithGroups(prefix: string, mounts: CgroupMounts): readonly string[] {
  const mount = mounts.byController.get('pids') ?? mounts.all[0];
  const pattern = new RegExp(`^lxc\\.payload\\.(${prefix}\\d+)(-\\d+)?$`);
  const units = foldersIn(UNITS).map((unit) => join(UNITS, unit));
  const found = [...(mount === undefined ? [] : [mount]), ...units].flatMap((place) =>
    foldersIn(place).flatMap((entry) => {
      const name = pattern.exec(entry)?.[1];
      return name !== undefined && processesIn(join(place, entry)).length > 0 ? [name] : [];
    }),
  );
  return [...new Set(found)];
}

/** Ends what is left in a container's groups, and removes them. Done at once when there are none. */
export async function sweepCgroups(name: string, mounts: CgroupMounts, clock: Clock): Promise<void> {
  const deadline = clock.now() + EMPTY_DEADLINE_MS;
  for (let groups = cgroupsOf(name, mounts); groups.length > 0; groups = cgroupsOf(name, mounts)) {
    for (const group of groups) {
      for (const pid of processesIn(group)) kill(pid);
      removeGroup(group);
    }
    if (cgroupsOf(name, mounts).length === 0) return;
    if (clock.now() > deadline) {
      throw new Problem('timeout', `processes of ${name} do not end, even when killed`, { retryable: true });
    }
    await clock.sleep(2);
  }
}

function processesIn(group: string): readonly number[] {
  const own = readGroup(join(group, 'cgroup.procs'))
    .split('\n')
    .filter((line) => line !== '' && line !== '0')
    .map(Number);
  return [...own, ...subgroupsOf(group).flatMap(processesIn)];
}

const subgroupsOf = (group: string): readonly string[] => foldersIn(group).map((name) => join(group, name));

function foldersIn(place: string): readonly string[] {
  try {
    return readdirSync(place, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    // There is none, or it went while we looked.
    return [];
  }
}

function removeGroup(group: string): void {
  for (const subgroup of subgroupsOf(group)) removeGroup(subgroup);
  try {
    rmdirSync(group);
  } catch {
    // Still in use, or gone: the caller looks again.
  }
}

function readGroup(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // The group went while we looked; the kernel says so in more than one way.
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function tryWrite(path: string, value: string): boolean {
  try {
    writeFileSync(path, value);
    return true;
  } catch {
    // The kernel refuses, for example less memory than is in use; the caller is told which.
    return false;
  }
}
