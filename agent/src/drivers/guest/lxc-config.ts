import { assert } from '@drover/shared/lib/assert';
import type { ContainerSpec } from '@drover/shared/model/guest';
import type { NicPlace } from './driver.ts';
import type { InitKind } from './lxc-init.ts';

/** What the host can do, as far as a container's configuration depends on it. */
export interface LxcHost {
  readonly cgroups: 'v1' | 'v2';
  /** systemd runs the host, with v2: a container's groups are made within that of its unit. */
  readonly unitGroups: boolean;
  /** Controllers that a limit can be set with; memory-swap: the limit of swap beside that of memory. */
  readonly controllers: ReadonlySet<'memory' | 'memory-swap' | 'cpu' | 'pids' | 'devices'>;
  /** LXC's own list of forbidden system calls; null where the kernel or LXC cannot filter. */
  readonly seccompProfile: string | null;
  readonly apparmor: boolean;
}

export interface ContainerConfig {
  readonly id: number;
  readonly spec: ContainerSpec;
  readonly rootfsPath: string;
  readonly nics: readonly NicPlace[];
  readonly init: InitKind;
  readonly instance: string;
  /** First id of the host that belongs to an unprivileged container, and how many. */
  readonly idShift: { readonly first: number; readonly count: number };
}

type Line = readonly [key: string, value: string | number];

/** The text of a container's configuration for lxc-start. Pure: the same container on the same host gives the same text. */
export function lxcConfig(container: ContainerConfig, host: LxcHost): string {
  const { spec, init } = container;
  const lines: Line[] = [
    ['lxc.uts.name', spec.name],
    ['lxc.rootfs.path', `dir:${container.rootfsPath}`],
    ['lxc.init.cmd', init.command],
    ['lxc.signal.halt', init.haltSignal.name],
    ['lxc.signal.reboot', init.rebootSignal.name],
    ...(spec.unprivileged ? unprivileged(container) : privileged(host)),
    ['lxc.mount.auto', 'proc:mixed sys:mixed cgroup:mixed'],
    ['lxc.autodev', 1],
    ['lxc.pty.max', 1024],
    ['lxc.tty.max', init.ttys],
    ...apparmor(spec, host),
    ...(host.seccompProfile === null ? [] : [['lxc.seccomp.profile', host.seccompProfile] as const]),
    ...(host.unitGroups ? [['lxc.cgroup.relative', 1] as const] : []),
    ...limits(spec, host).map(({ key, value }): Line => [key, value]),
    ...container.nics.flatMap((nic, index) => network(nic, index, vethName(container.instance, container.id, index))),
    ...(container.nics.length === 0 ? [['lxc.net.0.type', 'empty'] as const] : []),
  ];
  return lines.map(([key, value]) => `${key} = ${encode(key, value)}\n`).join('');
}

/** Limits as LXC's key, the file that holds them in the container's cgroup, and the text to write there. In an order that is right for growing. */
export function limits(spec: ContainerSpec, host: LxcHost): readonly { key: string; controller: string; file: string; value: string }[] {
  const { memoryBytes, swapBytes } = spec;
  const quotaUs = spec.cores * CPU_PERIOD_US;
  const all =
    host.cgroups === 'v2'
      ? ([
          ['memory', 'memory', 'memory.max', memoryBytes],
          ['memory-swap', 'memory', 'memory.swap.max', swapBytes],
          ['cpu', 'cpu', 'cpu.max', `${quotaUs} ${CPU_PERIOD_US}`],
          ['pids', 'pids', 'pids.max', spec.processesMax],
        ] as const)
      : ([
          ['memory', 'memory', 'memory.limit_in_bytes', memoryBytes],
          ['memory-swap', 'memory', 'memory.memsw.limit_in_bytes', memoryBytes + swapBytes],
          ['cpu', 'cpu', 'cpu.cfs_period_us', CPU_PERIOD_US],
          ['cpu', 'cpu', 'cpu.cfs_quota_us', quotaUs],
          ['pids', 'pids', 'pids.max', spec.processesMax],
        ] as const);
  const prefix = host.cgroups === 'v2' ? 'lxc.cgroup2' : 'lxc.cgroup';
  return all
    .filter(([needs]) => host.controllers.has(needs))
    .map(([, controller, file, value]) => ({ key: `${prefix}.${file}`, controller, file, value: String(value) }));
}

const CPU_PERIOD_US = 100_000;
const DEVICE_NAME_MAX = 15;

/** The host's end of a container's wire. Names of devices have at most 15 characters, so long ones begin shorter. */
export function vethName(instance: string, id: number, index: number): string {
  const name = `veth${instance}${id}i${index}`;
  return name.length <= DEVICE_NAME_MAX ? name : `v${instance}${id}i${index}`;
}

function unprivileged({ idShift }: ContainerConfig): Line[] {
  const { first, count } = idShift;
  return [
    ['lxc.idmap', `u 0 ${first} ${count}`],
    ['lxc.idmap', `g 0 ${first} ${count}`],
  ];
}

/** Root in there is root of the host: what reaches beyond the container is taken from it, and all devices but the harmless ones. */
function privileged(host: LxcHost): Line[] {
  const key = host.cgroups === 'v2' ? 'lxc.cgroup2.devices' : 'lxc.cgroup.devices';
  const devices = host.controllers.has('devices') ? HARMLESS_DEVICES : [];
  return [
    ['lxc.cap.drop', 'mac_admin mac_override sys_time sys_module sys_rawio'],
    ...(devices.length > 0 ? [[`${key}.deny`, 'a'] as const] : []),
    ...devices.map((device): Line => [`${key}.allow`, device]),
  ];
}

/** Making nodes of any device, and using null, zero, full, random, urandom, tty, console, ptmx and terminals. */
const HARMLESS_DEVICES = [
  'c *:* m',
  'b *:* m',
  ...['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '136:*'].map((device) => `c ${device} rwm`),
];

function apparmor({ unprivileged }: ContainerSpec, host: LxcHost): Line[] {
  if (!host.apparmor) return [['lxc.apparmor.profile', 'unconfined']];
  // systemd in a container makes mounts and namespaces of its own for its services; harmless where root is not the host's.
  return [['lxc.apparmor.profile', 'generated'], ...(unprivileged ? [['lxc.apparmor.allow_nesting', 1] as const] : [])];
}

function network(nic: NicPlace, index: number, pair: string): Line[] {
  const key = `lxc.net.${index}`;
  return [
    [`${key}.type`, 'veth'],
    [`${key}.veth.pair`, pair],
    [`${key}.link`, nic.bridge],
    [`${key}.hwaddr`, nic.mac],
    [`${key}.name`, `eth${nic.name.replace(/^net/, '')}`],
    [`${key}.flags`, 'up'],
  ];
}

/** LXC reads lines, cuts the blanks around a value and takes quotes off: only values that come out as they went in are let through. */
function encode(key: string, value: string | number): string {
  const text = String(value);
  const isPlain = text !== '' && text === text.trim() && !/\p{Cc}|^['"]|['"]$/u.test(text);
  assert(isPlain, `${key} cannot be written to a container's configuration: ${JSON.stringify(text)}`);
  return text;
}
