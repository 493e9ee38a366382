import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { Progress } from '../progress.ts';
import { giveToSandbox, sandboxed } from './sandbox.ts';

const VIRTUAL_BYTES_MAX = 16 * 2 ** 40;

const DiskInfo = z.object({
  format: z.string(),
  'virtual-size': z.number(),
  encrypted: z.boolean().optional(),
  'backing-filename': z.string().optional(),
  'full-backing-filename': z.string().optional(),
  'format-specific': z.object({ data: z.record(z.string(), z.unknown()).optional() }).optional(),
});

const refused = (detail: string, suggestion?: string) =>
  new Problem('unsupported', `the disk image ${detail}`, { field: 'source', suggestion });

/** The virtual size of a disk that stands for itself alone, by what `qemu-img info` says of it; anything else is refused. */
export function virtualSizeOf(said: unknown, format: 'qcow2' | 'raw'): number {
  const parsed = DiskInfo.safeParse(said);
  if (!parsed.success) throw problemOfInput(parsed.error, 'qemu-img info');
  const info = parsed.data;
  const specific = info['format-specific']?.data ?? {};
  const size = info['virtual-size'];
  if (info.format !== format) throw refused(`is of format ${info.format}, not ${format}`);
  if (info['backing-filename'] !== undefined || info['full-backing-filename'] !== undefined)
    throw refused('is only a layer over another file', 'make it stand alone: qemu-img convert -O qcow2');
  if (specific['data-file'] !== undefined || specific['data-file-raw'] === true)
    throw refused('keeps its contents in another file', 'make it stand alone: qemu-img convert -O qcow2');
  if (info.encrypted === true || specific.encrypt !== undefined) throw refused('is encrypted');
  if (specific.corrupt === true) throw refused('is marked as damaged', 'qemu-img check -r all may mend it');
  if (!(size > 0) || size > VIRTUAL_BYTES_MAX) throw refused(`claims a size of ${size} bytes, which is not believed`);
  return size;
}

/** Copies a foreign disk into a clean qcow2 of our own, within a sandbox that could not open another file if the disk named one. */
export async function takeInDisk(
  folder: string,
  file: string,
  format: 'qcow2' | 'raw',
  progress: Progress,
  signal: AbortSignal,
): Promise<{ readonly virtualSizeBytes: number }> {
  await giveToSandbox(folder);
  await giveToSandbox(join(folder, file));
  // Limits as others use them for files from strangers: a crafted header must not take the host's memory or hours.
  const info = ['--as=2147483648', '--cpu=60', '--', 'qemu-img', 'info', '--output=json', '-f', format, file];
  const { stdout } = await sandboxed('unpack', folder, 'prlimit', info, { signal, timeoutMs: 120_000 }).catch((thrown: unknown) => {
    const problem = Problem.from(thrown);
    throw problem.code === 'host-failed' ? refused(`cannot be read: ${problem.message.split('\n').at(-1)}`) : problem;
  });
  const virtualSizeBytes = virtualSizeOf(parseJson(stdout), format);
  let fraction = 0;
  await sandboxed('unpack', folder, 'qemu-img', ['convert', '-p', '-f', format, '-O', 'qcow2', file, 'disk.qcow2'], {
    signal,
    timeoutMs: 6 * 3_600_000,
    onLine: (line) => {
      const percent = /\(\s*([0-9.]+)\/100%\)/.exec(line)?.[1];
      if (percent) fraction = Math.max(fraction, Math.min(Number(percent) / 100, 1));
      progress.report(fraction, 'converting the disk');
    },
  }).catch((thrown: unknown) => {
    const problem = Problem.from(thrown);
    if (/No space left on device/.test(problem.message))
      throw new Problem('no-space', 'the storage is full', { cause: thrown, retryable: true });
    throw problem;
  });
  return { virtualSizeBytes };
}

/** A disc says so itself, at the beginning of its 17th sector. */
export async function takeInDisc(folder: string, file: string): Promise<void> {
  const handle = await open(join(folder, file), 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(5), 0, 5, 32_769);
    if (bytesRead < 5 || buffer.toString('latin1') !== 'CD001')
      throw new Problem('unsupported', 'this is not an ISO 9660 disc', { field: 'source.format' });
  } finally {
    await handle.close();
  }
  await rename(join(folder, file), join(folder, 'disc.iso'));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is no description of a disk: the schema says so.
    return undefined;
  }
}
