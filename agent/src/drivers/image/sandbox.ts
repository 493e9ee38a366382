import { chown } from 'node:fs/promises';
import { type RunOptions, type RunResult, run } from '../../host/shell.ts';
import { ensureShiftGranted, ID_SHIFT, shifted } from '../storage/shifted.ts';

/**
 * Where images are put together: root of a guest's user namespace, with mounts and processes of its own that all end with it.
 * `build` sees the host's programs and files, as any user of the host does, and its work folder as /mnt.
 * `unpack` sees nothing but the host's programs and its work folder, so that no archive can write anywhere else.
 * The scripts are constant: values reach them as arguments.
 */
const ENTER = {
  build: 'set -e; mount --no-canonicalize --bind . /mnt; cd /mnt; exec "$@"',
  unpack: `set -e
mount -t tmpfs -o mode=755,size=1m tmpfs /tmp
mkdir /tmp/usr /tmp/mnt /tmp/tmp
mount --rbind /usr /tmp/usr
for folder in /bin /sbin /lib /lib64; do
  if [ -L "$folder" ]; then cp -P "$folder" /tmp/; elif [ -d "$folder" ]; then mkdir "/tmp$folder"; mount --rbind "$folder" "/tmp$folder"; fi
done
mount --no-canonicalize --bind . /tmp/mnt
exec chroot /tmp sh -c 'cd /mnt && exec "$@"' sh "$@"`,
} as const;

export interface SandboxOptions extends RunOptions {
  /** A file that the program reads as its standard input; opened outside, so it may lie anywhere. */
  readonly inputFile?: string;
}

/** The whole command line. Exported for its test. */
export function sandboxCommand(kind: keyof typeof ENTER, program: string, args: readonly string[]): readonly [string, readonly string[]] {
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  return shifted('unshare', [...namespaces, '--', 'sh', '-c', ENTER[kind], 'sh', program, ...args]);
}

export async function sandboxed(
  kind: keyof typeof ENTER,
  folder: string,
  program: string,
  args: readonly string[],
  options: SandboxOptions,
): Promise<RunResult> {
  const { inputFile, ...rest } = options;
  await ensureShiftGranted(options.signal);
  const [outer, outerArgs] = sandboxCommand(kind, program, args);
  const within = { ...rest, cwd: folder };
  return inputFile === undefined
    ? run(outer, outerArgs, within)
    : run('sh', ['-c', 'exec "$@" < "$0"', inputFile, outer, ...outerArgs], within);
}

/** The root of the sandbox owns this file or folder alone: enough for a work folder. */
export async function giveToSandbox(path: string): Promise<void> {
  await chown(path, ID_SHIFT.first, ID_SHIFT.first);
}

/** And all that we have laid into it. */
export async function giveTreeToSandbox(path: string): Promise<void> {
  await run('chown', ['--recursive', '--no-dereference', `${ID_SHIFT.first}:${ID_SHIFT.first}`, '--', path]);
}
