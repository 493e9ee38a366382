import { mkdir, rm } from 'node:fs/promises';
import { run } from '../../host/shell.ts';
import { ensureShiftGranted, shifted, tethered } from './shifted.ts';

const KEEP_ALL = ['--acls', '--xattrs', '--xattrs-include=*', '--sparse', '--numeric-owner'];
const timeoutMs = 3_600_000;

/**
 * A full copy of a root file system with the ids shifted back to the host's own, for a privileged container.
 * tar reads inside a guest's user namespace, where ids and file capabilities look unshifted, and writes outside of it:
 * changing the owners in place would lose setuid bits and capabilities.
 */
export async function copyUnshifted(from: string, to: string, signal: AbortSignal): Promise<void> {
  await ensureShiftGranted(signal);
  const archive = `${to}.tar`;
  const [program, args] = shifted('tar', [...KEEP_ALL, '-cf', '-', '.']);
  await mkdir(to, { mode: 0o755 });
  // Read from the working directory and written to an open file: the folders above are closed to the guest's ids.
  await run('sh', ['-c', 'exec "$@" > "$0"', archive, program, ...args], { cwd: from, signal, timeoutMs });
  await run(...tethered('tar', [...KEEP_ALL, '--same-owner', '--preserve-permissions', '-C', to, '-xf', archive]), { signal, timeoutMs });
  await rm(archive);
}
