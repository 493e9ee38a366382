import type { Clock } from '@drover/shared/lib/clock';
import { streamProcess } from '../../host/process-stream.ts';
import { openPty } from '../../host/pty.ts';
import type { Stream } from '../stream.ts';

const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  LANG: 'C.UTF-8',
} as const;
const TERMINAL = 'xterm-256color';

/** Begins where root is at home, if there is such a place, and becomes the program that its own words name. */
const AT_HOME = 'cd 2>/dev/null; exec "$@"';
/** A login shell as good as the container has one. */
const LOGIN_SHELL = 'cd 2>/dev/null; if [ -x /bin/bash ]; then exec /bin/bash -l; fi; exec /bin/sh -l';

export interface LxcTarget {
  readonly lxcPath: string;
  readonly name: string;
  readonly clock: Clock;
}

/** Runs a program in a running container, as root, with an environment of its own. */
export function execInContainer(target: LxcTarget, command: readonly string[], tty: boolean): Promise<Stream> {
  return attach(target, ['/bin/sh', '-c', AT_HOME, 'sh', ...command], tty);
}

export async function openContainerShell(target: LxcTarget): Promise<Stream> {
  const stream = await attach(target, ['/bin/sh', '-c', LOGIN_SHELL], true);
  // A console has no result: how its last command went is nobody's business but its user's.
  return { ...stream, ended: stream.ended.then(() => ({ code: 0 })) };
}

async function attach({ lxcPath, name, clock }: LxcTarget, command: readonly string[], tty: boolean): Promise<Stream> {
  const environment = { ...ENVIRONMENT, ...(tty ? { TERM: TERMINAL } : {}) };
  const args = [
    `--lxcpath=${lxcPath}`,
    `--name=${name}`,
    '--quiet',
    '--clear-env',
    ...Object.entries(environment).map(([key, value]) => `--set-var=${key}=${value}`),
    '--',
    ...command,
  ];
  return tty ? openPty('lxc-attach', args, { clock, passesOn: true }) : (await streamProcess('lxc-attach', args, { clock })).stream;
}
