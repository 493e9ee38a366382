import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import type { Progress } from '../progress.ts';
import { giveToSandbox, sandboxed } from './sandbox.ts';
import { sizeDetail } from './transfer.ts';

export type Compression = 'none' | 'gz' | 'xz' | 'zst';

const MAGIC: readonly { readonly bytes: string; readonly compression: Compression }[] = [
  { bytes: '1f8b', compression: 'gz' },
  { bytes: 'fd377a585a00', compression: 'xz' },
  { bytes: '28b52ffd', compression: 'zst' },
];

const DECOMPRESS: Readonly<Record<Compression, readonly string[]>> = {
  none: [],
  gz: ['--use-compress-program=gzip'],
  xz: ['--use-compress-program=xz -T0 --memlimit-decompress=1GiB'],
  zst: ['--use-compress-program=zstd --memory=1024MB'],
};

export interface UnpackLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}
const LIMITS: UnpackLimits = { entriesMax: 2_000_000, bytesMax: 64 * 2 ** 30 };

/** tar reads records of 10 KiB; one line in about 16 MiB tells how far it is. */
const CHECKPOINT_RECORDS = 1_638;
const RECORD_BYTES = 10_240;

/**
 * tar's own guards stay on: members with ".." are refused, leading slashes cut off, links that lead out made last. What is left is caught by
 * the sandbox, in which there is nothing to overwrite. Device nodes cannot be made in it: those in /dev, which a container gets anyway, are left out.
 */
export function untarArguments(compression: Compression): readonly string[] {
  return [
    '--extract',
    '--file=-',
    ...DECOMPRESS[compression],
    '--directory=/mnt/rootfs',
    '--numeric-owner',
    '--same-owner',
    '--preserve-permissions',
    '--acls',
    '--xattrs',
    '--xattrs-include=security.capability',
    '--xattrs-include=user.*',
    '--delay-directory-restore',
    '--anchored',
    '--exclude=dev/*',
    '--exclude=./dev/*',
    '--exclude=/dev/*',
    '--verbose',
    `--checkpoint=${CHECKPOINT_RECORDS}`,
  ];
}

/** Which compression a file has, by its first bytes. */
export async function compressionOf(path: string): Promise<Compression> {
  // A layer of an image may come under a name that is a link: it is not followed.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    const hex = buffer.subarray(0, bytesRead).toString('hex');
    return MAGIC.find(({ bytes }) => hex.startsWith(bytes))?.compression ?? 'none';
  } finally {
    await file.close();
  }
}

/** Unpacks an archive from anywhere into `folder`/rootfs, which must not exist; owners are shifted to those of an unprivileged guest. */
export async function unpack(
  folder: string,
  archive: string,
  progress: Progress,
  signal: AbortSignal,
  limits: UnpackLimits = LIMITS,
): Promise<void> {
  const rootfs = join(folder, 'rootfs');
  await mkdir(rootfs, { mode: 0o755 });
  await giveToSandbox(rootfs);
  await giveToSandbox(folder);
  const compression = await compressionOf(archive);
  const stop = new AbortController();
  let entries = 0;
  let bytes = 0;
  let excess: string | null = null;
  const limit = (isOver: boolean, what: string) => {
    if (!isOver || excess !== null) return;
    excess = what;
    stop.abort();
  };
  const onLine = (line: string) => {
    const records = /^tar: Read checkpoint (\d+)/.exec(line)?.[1];
    if (records) {
      bytes = Math.max(bytes, Number(records) * RECORD_BYTES);
      progress.report(null, `unpacking: ${entries} files, ${sizeDetail(bytes, null)}`);
    } else if (!line.startsWith('tar: ')) entries++;
    limit(entries > limits.entriesMax, `more than ${limits.entriesMax} files`);
    limit(bytes > limits.bytesMax, `more than ${Math.floor(limits.bytesMax / 2 ** 30)} GiB`);
  };
  await sandboxed('unpack', folder, 'tar', untarArguments(compression), {
    inputFile: archive,
    signal: AbortSignal.any([signal, stop.signal]),
    timeoutMs: 2 * 3_600_000,
    onLine,
  }).catch((thrown: unknown) => {
    throw excess === null ? unpackProblem(thrown) : new Problem('too-large', `the archive holds ${excess}`, { field: 'source' });
  });
}

function unpackProblem(thrown: unknown): Problem {
  const problem = Problem.from(thrown);
  if (problem.code !== 'host-failed') return problem;
  if (/No space left on device|Disk quota exceeded/.test(problem.message))
    return new Problem('no-space', 'the storage is full', { cause: thrown, retryable: true });
  return new Problem('unsupported', `the archive cannot be unpacked: ${problem.message}`, { cause: thrown, field: 'source' });
}
