import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ContainerSpec, type RunEnd } from '@drover/shared/model/guest';
import { z } from 'zod';
import { createParsedFiles, readTextIfThere, writeFileDurably } from '../../host/durable-file.ts';
import { makeFolders } from '../../host/folder.ts';
import { isSupervisedAlive, Supervised, startTicksOf } from '../../host/supervise.ts';

/** container.json in a run folder: the process that holds the container, and the settings that it runs with. */
export const ContainerRecord = z.strictObject({
  v: z.literal(1),
  /** The guest's own folder. */
  folder: z.string(),
  spec: ContainerSpec,
  /** Null until it has been started: if the agent ends between the two, the process is found by its command line. */
  supervised: Supervised.nullable(),
});
export type ContainerRecord = z.infer<typeof ContainerRecord>;

/**
 * Holds a container: runs lxc-start, and when it has ended leaves the end of what it said, with its exit code last, in the file that is its
 * first word. `tail` bounds it: a container that reboots for ever makes LXC talk for ever.
 */
export const HOLD_CONTAINER = holding('"$@"');

/**
 * The same in a unit of systemd with cgroups v2, so that the container's groups are made within the unit's: the unit's own group must then hold no
 * process, so what holds the container moves into one below, and lxc-start begins in the unit's, from where it moves itself and the container.
 */
export const HOLD_CONTAINER_IN_UNIT = [
  'group=/sys/fs/cgroup$(sed -n "s/^0:://p" /proc/self/cgroup)',
  'mkdir "$group/holder" && echo $$ > "$group/holder/cgroup.procs"',
  holding('(echo 0 > "$group/cgroup.procs"; exec "$@")'),
].join('; ');

function holding(start: string): string {
  return `end=$1; shift; { ${start} 2>&1 >/dev/null; echo "exit $?"; } | tail -c 65536 > "$end"`;
}

/** Run-time files of containers, on a tmpfs: a folder for each, one for what LXC itself keeps, one for the ends of runs. */
export class LxcRunFolders {
  readonly lxcPath: string;
  readonly endsFolder: string;
  private readonly root: string;
  private readonly records = createParsedFiles<ContainerRecord | null>();

  constructor(runPath: string) {
    this.root = join(runPath, 'containers');
    this.lxcPath = join(this.root, 'lxc');
    this.endsFolder = join(this.root, 'ends');
  }

  ensure(id?: number): void {
    // LXC demands that root of an unprivileged container can pass through here, on the way to what LXC itself keeps.
    for (const folder of [this.lxcPath, this.endsFolder, ...(id === undefined ? [] : [this.folder(id)])]) makeFolders(folder, 0o711);
  }

  configPath(id: number): string {
    return join(this.folder(id), 'config');
  }

  logPath(id: number): string {
    return join(this.folder(id), 'log');
  }

  endPath(id: number): string {
    return join(this.endsFolder, String(id));
  }

  read(id: number): ContainerRecord | null {
    const path = this.recordPath(id);
    return this.records(path, () => parseRecord(readTextIfThere(path) ?? ''));
  }

  write(id: number, record: ContainerRecord): void {
    writeFileDurably(this.recordPath(id), JSON.stringify(record), { flush: false });
  }

  /** What lxc-start said last, with its exit code; null while the run goes on, and when its holder was killed before it could write. */
  readEnd(id: number): string | null {
    const said = readTextIfThere(this.endPath(id));
    return said !== null && exitOf(said) !== null ? said : null;
  }

  remove(id: number): void {
    rmSync(this.folder(id), { recursive: true, force: true });
    rmSync(this.endPath(id), { force: true });
  }

  ids(): readonly number[] {
    return existsSync(this.root)
      ? readdirSync(this.root)
          .filter((name) => /^[1-9]\d{2,6}$/.test(name))
          .map(Number)
      : [];
  }

  /** The options of LXC's programs that say which container is meant, and with which configuration. */
  lxcOptions(id: number, name: string): readonly string[] {
    return [`--name=${name}`, `--lxcpath=${this.lxcPath}`, `--rcfile=${this.configPath(id)}`];
  }

  /** The process that holds a container, by the command lines of all: for the rare case that their number was not recorded, or that the first was killed. */
  findHolder(id: number, name: string): Supervised | null {
    const found = readdirSync('/proc').flatMap((entry) => {
      if (!/^\d+$/.test(entry)) return [];
      const words = commandLineOf(entry);
      const isOurs = words.includes('lxc-start') && this.lxcOptions(id, name).every((option) => words.includes(option));
      const startTicks = isOurs ? startTicksOf(Number(entry)) : null;
      return startTicks === null ? [] : [{ pid: Number(entry), startTicks, unit: null }];
    });
    // The first of them is the shell that the others descend from.
    return found.sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid)[0] ?? null;
  }

  private folder(id: number): string {
    return join(this.root, String(id));
  }

  private recordPath(id: number): string {
    return join(this.folder(id), 'container.json');
  }
}

/** The container's first process, once it has become the container's own program; null before that, and while it reboots. */
export function findInit(holder: Supervised): Supervised | null {
  if (!isSupervisedAlive(holder)) return null;
  const ours = readLink('/proc/self/ns/pid');
  let generation: readonly number[] = [holder.pid];
  // Shell, its part of the pipe, lxc-start, init.
  for (let depth = 0; depth < 5 && generation.length > 0; depth++) {
    for (const pid of generation) {
      const namespace = readLink(`/proc/${pid}/ns/pid`);
      if (namespace === null || namespace === ours) continue;
      // Until it has executed the container's program it is still a copy of lxc-start.
      if (readLink(`/proc/${pid}/exe`) === readLink(`/proc/${parentOf(pid)}/exe`)) return null;
      const startTicks = startTicksOf(pid);
      return startTicks === null ? null : { pid, startTicks, unit: null };
    }
    generation = generation.flatMap(childrenOf);
  }
  return null;
}

/**
 * How a run ended, from what lxc-start said last. The kernel ends the first process of a container that halted by SIGINT, of one that
 * rebooted by SIGHUP; any other signal, an exit code of its own, or the death of lxc-start itself is a crash.
 */
export function endOfRun(text: string): Extract<RunEnd, 'self' | 'crash'> {
  if (exitOf(text) !== 0) return 'crash';
  const [, how, number] = [...text.matchAll(/ - Child <\d+> ended on (signal|error) .*?\((\d+)\)$/gm)].at(-1) ?? [];
  if (how === 'error') return 'crash';
  const REBOOTED = '1';
  const HALTED = '2';
  return how === undefined || number === HALTED || number === REBOOTED ? 'self' : 'crash';
}

function exitOf(text: string): number | null {
  const code = /^exit (\d+)\n$/.exec(text.slice(text.lastIndexOf('\n', text.length - 2) + 1))?.[1];
  return code === undefined ? null : Number(code);
}

/** LXC's own errors in what it said, for people. */
export function errorsOf(text: string): string {
  const errors = [...text.matchAll(/ ERROR .*? - \S+:\d+ - (.+)$/gm)].flatMap(([, message]) => message ?? []);
  return [...new Set(errors)].slice(0, 4).join('; ').slice(0, 1_000);
}

const commandLineOf = (pid: string): readonly string[] => readProc(`/proc/${pid}/cmdline`).split('\0');

function childrenOf(pid: number): readonly number[] {
  const text = readProc(`/proc/${pid}/task/${pid}/children`);
  return text
    .split(' ')
    .filter((child) => child !== '')
    .map(Number);
}

function parentOf(pid: number): number {
  const stat = readProc(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    // The process is gone.
    return null;
  }
}

function parseRecord(text: string): ContainerRecord | null {
  try {
    return ContainerRecord.parse(JSON.parse(text));
  } catch {
    // Written by another version of the agent: the process is then found by its command line.
    return null;
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process is gone: the kernel says so in more than one way.
    return '';
  }
}
