import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { backoff } from '@drover/shared/lib/backoff';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { fileProblem } from '../../host/file-problem.ts';
import type { Progress } from '../progress.ts';
import type { Checksum } from './sums.ts';

/** One answer of whoever has the bytes. */
export interface Incoming {
  /** Where the bytes begin: as asked, or 0 by somebody who knows no ranges. */
  readonly fromByte: number;
  /** Of the whole, when it is known. */
  readonly totalBytes: number | null;
  readonly body: AsyncIterable<Uint8Array>;
}
export type OpenIncoming = (fromByte: number, signal: AbortSignal) => Promise<Incoming>;

export interface TransferOptions {
  readonly what: string;
  readonly bytesMax: number;
  readonly checksum: Checksum;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const TRIES_MAX = 6;
const IDLE_MS = 60_000;

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(bytes < 100 * 2 ** 20 ? 1 : 0);

/** "12.4 of 80.0 MiB" */
export function sizeDetail(bytes: number, totalBytes: number | null): string {
  return totalBytes === null ? `${mebibytes(bytes)} MiB` : `${mebibytes(bytes)} of ${mebibytes(totalBytes)} MiB`;
}

/** Brings bytes into a file, taken up again where a broken connection left them, and checks them. */
export async function transfer(openIncoming: OpenIncoming, path: string, options: TransferOptions): Promise<void> {
  const { what, bytesMax, checksum, clock, progress, signal } = options;
  const file = await open(path, 'wx', 0o600);
  let hash = createHash(checksum.algorithm);
  let bytes = 0;
  let failures = 0;
  let reported = 0;

  async function attempt(): Promise<void> {
    const idle = createIdleSignal(clock);
    const { fromByte, totalBytes, body } = await openIncoming(bytes, AbortSignal.any([signal, idle.signal])).finally(idle.touch);
    if (fromByte !== bytes) {
      if (fromByte !== 0) throw new Problem('host-failed', `${what}: asked from byte ${bytes}, sent from ${fromByte}`, { retryable: true });
      hash = createHash(checksum.algorithm);
      bytes = 0;
    }
    if ((totalBytes ?? 0) > bytesMax) throw tooLarge(what, bytesMax);
    try {
      for await (const chunk of body) {
        idle.touch();
        signal.throwIfAborted();
        if (bytes + chunk.length > bytesMax) throw tooLarge(what, bytesMax);
        await writeAll(file, chunk, bytes);
        hash.update(chunk);
        bytes += chunk.length;
        failures = 0;
        const fraction = totalBytes ? Math.min(bytes / totalBytes, 1) : null;
        reported = Math.max(reported, fraction ?? 0);
        progress.report(fraction === null ? null : reported, sizeDetail(bytes, totalBytes));
      }
    } finally {
      idle.end();
    }
    if (totalBytes !== null && bytes < totalBytes)
      throw new Problem('host-failed', `${what} ended after ${bytes} of ${totalBytes} bytes`, { retryable: true });
    await file.truncate(bytes);
  }

  try {
    for (;;) {
      try {
        await attempt();
        break;
      } catch (thrown) {
        if (signal.aborted) throw new Problem('cancelled', `${what} was cancelled`, { cause: thrown });
        const problem = broken(thrown, what);
        if (!problem.retryable || problem.code === 'no-space' || ++failures >= TRIES_MAX) throw problem;
        progress.log(`${problem.message}; trying again from byte ${bytes}`);
        await clock.sleep(backoff(failures, 0, { firstMs: 500, maxMs: 15_000 }), signal);
      }
    }
  } finally {
    await file.close();
  }
  const hex = hash.digest('hex');
  if (hex !== checksum.hex)
    throw new Problem('checksum-mismatch', `${what} is not what was expected: its ${checksum.algorithm} is ${hex}, not ${checksum.hex}`, {
      field: 'source',
      suggestion: 'it may have been replaced by its publisher, or damaged on the way',
    });
  progress.log(`${what}: ${sizeDetail(bytes, null)}, ${checksum.algorithm} ${hex}`);
}

const tooLarge = (what: string, bytesMax: number) =>
  new Problem('too-large', `${what} is larger than ${Math.floor(bytesMax / 2 ** 20)} MiB`, { field: 'source' });

/** Errors of files are about the disk; anything else that is not a Problem yet is about the line. */
function broken(thrown: unknown, what: string): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof Error && 'syscall' in thrown && (thrown.syscall === 'write' || thrown.syscall === 'open'))
    return fileProblem(thrown, what);
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? `: ${thrown.cause.message}` : '';
  return new Problem('host-failed', `${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}${cause}`, {
    cause: thrown,
    retryable: true,
  });
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
}

/** Aborts when nothing was heard for a while. */
function createIdleSignal(clock: Clock) {
  const controller = new AbortController();
  let cancel = () => {};
  const touch = () => {
    cancel();
    cancel = clock.after(IDLE_MS, () => controller.abort(new Error(`nothing came for ${IDLE_MS / 1000} s`)));
  };
  touch();
  return { signal: controller.signal, touch, end: () => cancel() };
}
