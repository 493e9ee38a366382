import { lstatSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';

interface InitSignal {
  readonly name: string;
  readonly number: number;
}

/** The first program of a container, and how it is asked to end. */
export interface InitKind {
  readonly command: string;
  readonly haltSignal: InitSignal;
  readonly rebootSignal: InitSignal;
  /** Virtual terminals that it expects to log people in on. */
  readonly ttys: number;
}

const SIGNALS = {
  SIGINT: 2,
  SIGUSR2: 12,
  SIGTERM: 15,
  SIGPWR: 30,
  'SIGRTMIN+3': 37,
  'SIGRTMIN+5': 39,
} as const;
const signal = (name: keyof typeof SIGNALS): InitSignal => ({ name, number: SIGNALS[name] });

const KINDS = {
  systemd: { haltSignal: signal('SIGRTMIN+3'), rebootSignal: signal('SIGRTMIN+5'), ttys: 0 },
  busybox: { haltSignal: signal('SIGUSR2'), rebootSignal: signal('SIGTERM'), ttys: 4 },
  // Init of System V, and openrc-init, which understands the same two.
  sysv: { haltSignal: signal('SIGPWR'), rebootSignal: signal('SIGINT'), ttys: 4 },
} as const;

const CANDIDATES = ['/sbin/init', '/usr/sbin/init', '/usr/lib/systemd/systemd', '/lib/systemd/systemd', '/sbin/openrc-init'] as const;
const LINKS_MAX = 40;

/** Which init a root file system has. Its links are its own: they are followed within it, never on the host. */
export function detectInit(rootfs: string): InitKind {
  for (const command of CANDIDATES) {
    const program = resolveWithin(rootfs, command);
    if (program === null) continue;
    return { command, ...kindOf(program) };
  }
  throw new Problem('unsupported', 'the root file system of this container has no init', {
    suggestion: `use an image with a program at ${CANDIDATES[0]}`,
  });
}

/** The same by the program that a running init is. */
export function kindOf(program: string): Omit<InitKind, 'command'> {
  const name = basename(program);
  return KINDS[name.includes('systemd') ? 'systemd' : name.includes('busybox') ? 'busybox' : 'sysv'];
}

/** The path within `root` that a path means to a process whose root it is; null when nothing is there. */
export function resolveWithin(root: string, path: string): string | null {
  const ahead = path.split('/').reverse();
  const resolved: string[] = [];
  for (let links = 0; ahead.length > 0; ) {
    const part = ahead.pop() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      resolved.pop();
      continue;
    }
    const stat = lstatSync(join(root, ...resolved, part), { throwIfNoEntry: false });
    if (!stat) return null;
    if (!stat.isSymbolicLink()) {
      resolved.push(part);
      continue;
    }
    if (++links > LINKS_MAX) return null;
    const target = readlinkSync(join(root, ...resolved, part));
    if (target.startsWith('/')) resolved.length = 0;
    ahead.push(...target.split('/').reverse());
  }
  return `/${resolved.join('/')}`;
}
