import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Problem } from '@drover/shared/lib/problem';
import type { ReceivedUpload, UploadLimits, Uploads } from './uploads.ts';

const UPLOAD_ID = /^[a-z0-9]{20}$/;
/** Left free for the database, which shares the disk. */
const KEEP_FREE_BYTES = 256 * 2 ** 20;

/** Uploads as files of one folder. A name without `.part` is whole. */
export function fileUploads(folder: string): Uploads {
  const pathOf = (uploadId: string): string => {
    if (!UPLOAD_ID.test(uploadId)) throw new Problem('not-found', 'there is no such upload');
    return join(folder, uploadId);
  };
  return {
    async receive(uploadId, body, limits) {
      const path = pathOf(uploadId);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await refuseIfFull(folder, limits);
      try {
        const received = await writeAll(`${path}.part`, body, limits);
        await rename(`${path}.part`, path);
        await syncFolder(folder);
        return received;
      } catch (thrown) {
        await rm(`${path}.part`, { force: true });
        await rm(path, { force: true });
        throw problemOfWrite(thrown);
      }
    },
    async open(uploadId, range) {
      const path = pathOf(uploadId);
      const found = await stat(path).catch(absent);
      if (!found) return null;
      const { start, end } = range ?? { start: 0, end: found.size - 1 };
      const stream = createReadStream(path, { start, end, highWaterMark: 256 * 1024 });
      // Sound: Node's web stream of a file yields Uint8Arrays.
      return { start, end, body: Readable.toWeb(stream) as ReadableStream<Uint8Array> };
    },
    async remove(uploadId) {
      const path = pathOf(uploadId);
      await rm(path, { force: true });
      await rm(`${path}.part`, { force: true });
    },
    async list() {
      const names = (await readdir(folder).catch(absent)) ?? [];
      return [...new Set(names.map((name) => name.replace(/\.part$/, '')))].filter((name) => UPLOAD_ID.test(name));
    },
  };
}

async function writeAll(path: string, body: ReadableStream<Uint8Array>, limits: UploadLimits): Promise<ReceivedUpload> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx', 0o600);
  const reader = body.getReader();
  const abort = () => void reader.cancel(limits.signal.reason).catch(() => undefined); // The read below fails or ends: that is the answer.
  limits.signal.addEventListener('abort', abort, { once: true });
  let sizeBytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      limits.signal.throwIfAborted();
      if (done) break;
      sizeBytes += value.byteLength;
      if (sizeBytes > limits.sizeBytesMax) throw new Problem('too-large', `an upload may have ${limits.sizeBytesMax} bytes`);
      hash.update(value);
      await writeWhole(file, value);
    }
    if (limits.sizeBytes !== null && sizeBytes !== limits.sizeBytes) {
      throw new Problem('bad-request', `the upload broke off: ${sizeBytes} of ${limits.sizeBytes} bytes came`, { retryable: true });
    }
    await file.sync();
    return { sizeBytes, sha256: hash.digest('hex') };
  } finally {
    limits.signal.removeEventListener('abort', abort);
    await file.close();
    reader.cancel().catch(() => undefined); // Already ended, or broken: either way nothing more is wanted of it.
  }
}

async function writeWhole(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength; ) {
    offset += (await file.write(bytes, offset, bytes.byteLength - offset)).bytesWritten;
  }
}

async function refuseIfFull(folder: string, limits: UploadLimits): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize - KEEP_FREE_BYTES;
  if ((limits.sizeBytes ?? 0) > freeBytes) {
    throw new Problem(
      'no-space',
      `the control plane has ${Math.max(freeBytes, 0)} bytes free for uploads; this one has ${limits.sizeBytes}`,
    );
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync();
  await handle.close();
}

function problemOfWrite(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return code === 'ENOSPC' ? new Problem('no-space', "the control plane's disk is full", { cause: thrown }) : thrown;
}

function absent(thrown: NodeJS.ErrnoException): null {
  if (thrown.code === 'ENOENT') return null;
  throw thrown;
}
