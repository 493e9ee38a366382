import { existsSync, readFileSync } from 'node:fs';
import { hrtime } from 'node:process';
import type { GuestFigures, HostFigures } from '@drover/shared/model/figures';
import type { GuestGauge } from '../../drivers/guest/driver.ts';
import { known, namesIn } from '../hardware/sysfs.ts';
import {
  type Flow,
  flowOf,
  parseCpuStat,
  parseCpuTicks,
  parseDiskstats,
  parseIoStat,
  parseLoad,
  parseMeminfo,
  parseMemoryUsed,
  parseNetDev,
  parsePressure,
  parseProcessIo,
  parseProcessTicks,
  parseResident,
  parseUnifiedGroup,
} from './proc.ts';
import { createRates } from './rates.ts';

/** Linux counts in these for programs, whatever the kernel was built with. */
const TICKS_PER_S = 100;
const CGROUPS = '/sys/fs/cgroup';

/** Where the figures of a host come from; what cannot be measured is left out. */
export interface Gauges {
  look(guests: readonly GuestGauge[]): { readonly host: Omit<HostFigures, 'storages'>; readonly guests: GuestFigures[] };
}

/** Reads the kernel's own counters: some ten small files for the host and four for each guest; no program is started. */
export function createGauges(): Gauges {
  const rates = createRates();

  function lookAtHost(net: ReadonlyMap<string, Flow>, atMs: number): Omit<HostFigures, 'storages'> {
    const ticks = parseCpuTicks(textOf('/proc/stat'));
    const busy = ticks && rates.of('cpu/busy', ticks.busy, atMs);
    const total = ticks && rates.of('cpu/total', ticks.total, atMs);
    const disk = parseDiskstats(textOf('/proc/diskstats'), physicalDisks());
    const cards = flowOf(net, physicalNics());
    const pressure = known({
      cpu: parsePressure(textOf('/proc/pressure/cpu')),
      memory: parsePressure(textOf('/proc/pressure/memory')),
      io: parsePressure(textOf('/proc/pressure/io')),
    });
    const uptimeS = Number.parseFloat(textOf('/proc/uptime'));
    return known({
      uptimeS: Number.isFinite(uptimeS) ? Math.floor(uptimeS) : null,
      load: parseLoad(textOf('/proc/loadavg')),
      cpu: busy === null || !total ? null : rounded(Math.min(1, busy / total)),
      ...parseMeminfo(textOf('/proc/meminfo')),
      pressure: Object.keys(pressure).length === 0 ? null : pressure,
      disk: disk && rates.flow('disk', disk, atMs),
      network: cards && rates.flow('network', cards, atMs),
    });
  }

  function lookAtGuest({ id, type, pid, startTicks, wires }: GuestGauge, net: ReadonlyMap<string, Flow>, atMs: number): GuestFigures {
    // A guest that was started anew counts from nothing.
    const key = `${id}/${pid}/${startTicks}`;
    const measured = inGroup(pid, type) ?? (type === 'vm' ? inProcess(pid) : {});
    const cpu = measured.cpuS === undefined ? null : rates.of(`${key}/cpu`, measured.cpuS, atMs);
    const wire = flowOf(net, wires);
    return {
      id,
      ...known({
        cpu: cpu === null ? null : rounded(cpu),
        memoryBytes: measured.memoryBytes,
        disk: measured.disk && rates.flow(`${key}/disk`, measured.disk, atMs),
        // At the host's end of the wire: what the host sends the guest receives.
        network: wire && rates.flow(`${key}/wire`, { in: wire.out, out: wire.in }, atMs),
      }),
    };
  }

  return {
    look(guests) {
      // Not the clock that people and NTP set: a rate needs time as it passes.
      const atMs = Number(hrtime.bigint() / 1_000_000n);
      const net = parseNetDev(textOf('/proc/net/dev'));
      const seen = { host: lookAtHost(net, atMs), guests: guests.map((guest) => lookAtGuest(guest, net, atMs)) };
      rates.sweep();
      return seen;
    },
  };
}

interface Measured {
  readonly cpuS?: number;
  readonly memoryBytes?: number;
  readonly disk?: Flow;
}

/** The guest's own group of cgroup v2; null when it has none: the host has v1, or no systemd that makes one for it. */
function inGroup(pid: number, type: GuestGauge['type']): Measured | null {
  const path = ownGroup(parseUnifiedGroup(textOf(`/proc/${pid}/cgroup`)), type);
  if (path === null) return null;
  const at = (file: string): string => textOf(`${CGROUPS}${path}/${file}`);
  const cpuS = parseCpuStat(at('cpu.stat'));
  if (cpuS === null) return null;
  const hasDisk = existsSync(`${CGROUPS}${path}/io.stat`);
  return known({
    cpuS,
    memoryBytes: parseMemoryUsed(at('memory.current'), at('memory.stat')),
    disk: hasDisk ? parseIoStat(at('io.stat')) : null,
  });
}

/** A systemd within a container has moved itself into a group below; a VM's is its unit's. */
export function ownGroup(path: string | null, type: GuestGauge['type']): string | null {
  if (path === null) return null;
  const pattern = type === 'container' ? /^.*?\/lxc\.payload\.[^/]+/ : /^.*\/drover(?!-agent)[^/]*\.service(?=\/|$)/;
  return pattern.exec(path)?.[0] ?? null;
}

function inProcess(pid: number): Measured {
  const ticks = parseProcessTicks(textOf(`/proc/${pid}/stat`));
  return known({
    cpuS: ticks === null ? null : ticks / TICKS_PER_S,
    memoryBytes: parseResident(textOf(`/proc/${pid}/status`)),
    disk: parseProcessIo(textOf(`/proc/${pid}/io`)),
  });
}

/** Not what is made of them (partitions, device mapper, RAID), which would count everything twice. */
const physicalDisks = (): ReadonlySet<string> => new Set(namesIn('/sys/block').filter((name) => existsSync(`/sys/block/${name}/device`)));
const physicalNics = (): readonly string[] => namesIn('/sys/class/net').filter((name) => existsSync(`/sys/class/net/${name}/device`));

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // The process or group is gone, or this kernel does not count it.
    return '';
  }
}
