/** Readers of what the kernel counts: text in, numbers out; null where it is not what they know. Sizes are bytes, times seconds. */

export function parseLoad(text: string): [number, number, number] | null {
  const [one, five, fifteen] = text.split(' ').map(Number);
  return [one, five, fifteen].every((value) => Number.isFinite(value)) ? [one ?? 0, five ?? 0, fifteen ?? 0] : null;
}

/** /proc/stat: ticks of all processors together. Time that a hypervisor gave to others was not to be had, so it counts as busy. */
export function parseCpuTicks(text: string): { readonly busy: number; readonly total: number } | null {
  const line = /^cpu +([\d ]+)$/m.exec(text)?.[1];
  if (line === undefined) return null;
  // Guests' time is in user's and nice's already.
  const ticks = line.trim().split(' ').slice(0, 8).map(Number);
  const total = ticks.reduce((sum, each) => sum + each, 0);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return { busy: total - idle, total };
}

export function parseMeminfo(text: string) {
  const of = (name: string): number | null => {
    const kibibytes = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  };
  const [total, available, swapTotal, swapFree] = [of('MemTotal'), of('MemAvailable'), of('SwapTotal'), of('SwapFree')];
  return {
    memory:
      total === null || available === null
        ? null
        : { totalBytes: total, usedBytes: Math.max(0, total - available), availableBytes: available },
    swap: swapTotal === null || swapFree === null ? null : { totalBytes: swapTotal, usedBytes: Math.max(0, swapTotal - swapFree) },
  };
}

/** /proc/pressure/…: the share of the last ten seconds, 0 to 1. Of the processor some kernels count no `full`. */
export function parsePressure(text: string): { some: number; full?: number } | null {
  const of = (name: string): number | null => {
    const percent = new RegExp(`^${name} avg10=([\\d.]+) `, 'm').exec(text)?.[1];
    return percent === undefined ? null : Math.round(Number(percent) * 100) / 10_000;
  };
  const [some, full] = [of('some'), of('full')];
  return some === null ? null : { some, ...(full === null ? {} : { full }) };
}

/** What came in and went out since the beginning. */
export interface Flow {
  readonly in: number;
  readonly out: number;
}

const sumOf = (flows: readonly Flow[]): Flow => ({
  in: flows.reduce((sum, flow) => sum + flow.in, 0),
  out: flows.reduce((sum, flow) => sum + flow.out, 0),
});

const SECTOR_BYTES = 512;

/** /proc/diskstats: read and written by these disks. */
export function parseDiskstats(text: string, disks: ReadonlySet<string>): Flow | null {
  const flows = text.split('\n').flatMap((line) => {
    const [, , name = '', , , read, , , , written] = line.trim().split(/\s+/);
    return disks.has(name) ? [{ in: Number(read) * SECTOR_BYTES, out: Number(written) * SECTOR_BYTES }] : [];
  });
  return flows.length === 0 ? null : sumOf(flows);
}

/** /proc/net/dev: what each network device received and sent. */
export function parseNetDev(text: string): ReadonlyMap<string, Flow> {
  return new Map(
    [...text.matchAll(/^ *([^\s:]+): *(\d+) +(?:\d+ +){7}(\d+) /gm)].map(([, name = '', received, sent]) => [
      name,
      { in: Number(received), out: Number(sent) },
    ]),
  );
}

export function flowOf(devices: ReadonlyMap<string, Flow>, names: readonly string[]): Flow | null {
  const flows = names.flatMap((name) => devices.get(name) ?? []);
  return flows.length === 0 ? null : sumOf(flows);
}

/** cgroup v2, cpu.stat: seconds of processor time. */
export function parseCpuStat(text: string): number | null {
  const microseconds = /^usage_usec (\d+)$/m.exec(text)?.[1];
  return microseconds === undefined ? null : Number(microseconds) / 1e6;
}

/** cgroup v2: what the group could not give back at once, from memory.current and memory.stat. */
export function parseMemoryUsed(current: string, stat: string): number | null {
  const bytes = Number(current.trim() || Number.NaN);
  if (!Number.isFinite(bytes)) return null;
  return Math.max(0, bytes - Number(/^inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0));
}

/** cgroup v2, io.stat: over all disks. Empty when the group has done nothing yet: nothing was moved. */
export function parseIoStat(text: string): Flow {
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`\\b${name}=(\\d+)`, 'g'))].reduce((all, [, bytes]) => all + Number(bytes), 0);
  return { in: sum('rbytes'), out: sum('wbytes') };
}

/** The group of cgroup v2 in /proc/<pid>/cgroup; null on a host of v1. */
export const parseUnifiedGroup = (text: string): string | null => /^0::(\/.*)$/m.exec(text)?.[1] ?? null;

/** Of one process, where it has no group of its own: processor time in ticks, from /proc/<pid>/stat. */
export function parseProcessTicks(stat: string): number | null {
  // The program's name stands in parentheses and may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks : null;
}

/** Of /proc/<pid>/status: memory that is really there. */
export function parseResident(status: string): number | null {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/** Of /proc/<pid>/io: what reached disks. */
export function parseProcessIo(io: string): Flow | null {
  const [read, written] = ['read_bytes', 'write_bytes'].map((name) => new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1]);
  return read === undefined || written === undefined ? null : { in: Number(read), out: Number(written) };
}
