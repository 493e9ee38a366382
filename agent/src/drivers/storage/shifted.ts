import { readFile } from 'node:fs/promises';
import { Problem } from '@drover/shared/lib/problem';
import { run } from '../../host/shell.ts';

/** Ids that root and everybody else of an unprivileged guest have on the host. Root file systems of images are stored so. */
export const ID_SHIFT = { first: 100_000, count: 65_536 } as const;

const MAP = `0:${ID_SHIFT.first}:${ID_SHIFT.count}`;

/** A child that dies with the agent: what a killed agent leaves running would write into what the next one has thrown away. */
export const tethered = (program: string, args: readonly string[]): readonly [string, readonly string[]] => [
  'setpriv',
  ['--pdeathsig', 'KILL', '--', program, ...args],
];

/** The same program as root of a guest's user namespace: files that it makes belong to the shifted ids, and it may do nothing to those of the host. */
export const shifted = (program: string, args: readonly string[]): readonly [string, readonly string[]] =>
  tethered('lxc-usernsexec', ['-m', `u:${MAP}`, '-m', `g:${MAP}`, '--', ...tethered(program, args).flat()]);

/** Whether a file in the form of /etc/subuid lets root hand out the shifted ids. */
export function grantsShift(subids: string): boolean {
  return subids.split('\n').some((line) => {
    const [owner, first, count] = line.split(':');
    if (owner !== 'root' && owner !== '0') return false;
    return Number(first) <= ID_SHIFT.first && Number(first) + Number(count) >= ID_SHIFT.first + ID_SHIFT.count;
  });
}

/** Where newuidmap is installed, LXC insists that even root has the ids in /etc/subuid; adds them once, by the system's own tool. */
export async function ensureShiftGranted(signal?: AbortSignal): Promise<void> {
  const range = `${ID_SHIFT.first}-${ID_SHIFT.first + ID_SHIFT.count - 1}`;
  for (const [file, option] of [
    ['/etc/subuid', '--add-subuids'],
    ['/etc/subgid', '--add-subgids'],
  ] as const) {
    const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return '';
      throw new Problem('host-failed', `${file} cannot be read: ${cause.message}`, { cause });
    });
    if (!grantsShift(text)) await run('usermod', [option, range, 'root'], { ...(signal ? { signal } : {}), timeoutMs: 10_000 });
  }
}
