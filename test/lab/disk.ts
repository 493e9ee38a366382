import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { run } from '../../agent/src/host/shell.ts';
import { endSupervised, isSupervisedAlive, lastLines, type Supervised, supervise } from '../../agent/src/host/supervise.ts';
import type { DiskRecord } from './state.ts';
import { until } from './until.ts';

/**
 * A disk with a volatile write cache, as real ones have: nbdkit keeps what was written in a temporary file, and writes it to the disk's file only
 * when the host asks for a flush. To kill it is to pull its plug: what was not flushed is gone. (Without it, QEMU's writes would be in this
 * machine's page cache at once, and survive everything.)
 */
export async function startStore(disk: DiskRecord, unit: string): Promise<Supervised> {
  rmSync(disk.socketPath, { force: true });
  const logPath = `${disk.path}.log`;
  const store = await supervise(
    'nbdkit',
    ['--foreground', '--unix', disk.socketPath, '--filter=cache', 'file', `file=${disk.path}`, 'cache=writeback'],
    // Its temporary file has no name; here it lies on the same file system as the disk.
    {
      ...{ unit, slice: 'drover-lab.slice', description: `Disk of a lab's host`, logPath, env: { TMPDIR: dirname(disk.path) } },
      // nbdkit ends with the process that started it, so there is one between: the wrapper that this asks for.
      exitCodePath: `${disk.path}.ended`,
    },
  );
  await until('the disk answers', 10_000, () => {
    if (!isSupervisedAlive(store)) throw new Problem('host-failed', `nbdkit ended${lastLines(logPath)}`);
    return existsSync(disk.socketPath);
  });
  return store;
}

/** Pulls its plug. */
export async function endStore(disk: DiskRecord): Promise<void> {
  if (disk.store) await endSupervised(disk.store, realClock);
}

/** The disk that a host boots from: what differs from the saved one. As large as it can get from the start, as a socket cannot carry growth. */
export async function createRootOverlay(
  folder: string,
  backingPath: string,
  backingFormat: 'raw' | 'qcow2',
  bytes: number,
): Promise<string> {
  const path = join(folder, 'disk.qcow2');
  await run('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-b', backingPath, '-F', backingFormat, path, String(bytes)]);
  // Room for the format's own tables.
  await run('truncate', ['--size', String(bytes + 2 ** 30), path]);
  return path;
}
