import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import type { DriverDescription } from '@drover/shared/model/host';
import { readTextIfThere } from '../../host/durable-file.ts';
import { run } from '../../host/shell.ts';
import { hasSystemd } from '../../host/supervise.ts';
import { type CgroupMounts, findCgroups, limitsSwap } from './lxc-cgroup.ts';
import type { LxcHost } from './lxc-config.ts';

const SECCOMP_PROFILE = '/usr/share/lxc/config/common.seccomp';

/** Everything about the host that the configuration of containers depends on, looked up and never assumed. */
export function lookAtHost(cgroups: CgroupMounts = findCgroups()): LxcHost {
  const has = (controller: string) => cgroups.byController.has(controller);
  const controllers = new Set<'memory' | 'memory-swap' | 'cpu' | 'pids' | 'devices'>();
  for (const controller of ['memory', 'cpu', 'pids'] as const) if (has(controller)) controllers.add(controller);
  if (limitsSwap(cgroups)) controllers.add('memory-swap');
  // Of v2 there is no such controller: the kernel filters devices by BPF, always.
  if (cgroups.version === 'v2' || has('devices')) controllers.add('devices');
  return {
    cgroups: cgroups.version,
    unitGroups: cgroups.version === 'v2' && hasSystemd(),
    controllers,
    seccompProfile: existsSync('/proc/sys/kernel/seccomp') && existsSync(SECCOMP_PROFILE) ? SECCOMP_PROFILE : null,
    apparmor: readTextIfThere('/sys/module/apparmor/parameters/enabled')?.trim() === 'Y' && isInstalled('apparmor_parser'),
  };
}

export async function describeLxc(): Promise<DriverDescription> {
  const about = { port: 'guest', name: 'lxc', title: 'Containers (LXC)' } as const;
  try {
    const { stdout } = await run('lxc-start', ['--version'], { timeoutMs: 20_000 });
    const missing = ['lxc-attach', 'script', 'stty', 'nsenter'].filter((program) => !isInstalled(program));
    if (missing.length > 0) throw new Problem('unsupported', `not installed: ${missing.join(', ')}`);
    if (process.getuid?.() !== 0) throw new Problem('unsupported', 'the agent must run as root to start containers');
    const namespace = readTextIfThere('/proc/self/uid_map');
    if (namespace === null) throw new Problem('unsupported', 'the kernel has no user namespaces, which containers need');
    const host = lookAtHost();
    const limits = (['memory', 'memory-swap', 'cpu', 'pids'] as const).filter((controller) => !host.controllers.has(controller));
    return {
      ...about,
      usable: true,
      version: stdout.trim(),
      ...(limits.length === 0 ? {} : { reason: `this host cannot limit: ${limits.join(', ')}` }),
      capabilities: { type: 'container', cgroups: host.cgroups, apparmor: host.apparmor, seccomp: host.seccompProfile !== null },
    };
  } catch (error) {
    return { ...about, usable: false, reason: Problem.from(error).message, capabilities: { type: 'container' } };
  }
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(delimiter).some((folder) => existsSync(join(folder, program)));
}
