import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import type { HostId } from '@drover/shared/model/id';
import type { ImageFormat, ImageSource } from '@drover/shared/model/image';
import { ImageStatus } from '@drover/shared/model/image';
import type { Store } from '../db/store.ts';
import type { Uploads } from '../uploads.ts';

export const UPLOAD_BYTES_MAX = 256 * 2 ** 30;
type UploadSource = Extract<ImageSource, { do: 'upload' }>;

interface UploadDeps {
  readonly store: Store;
  readonly uploads: Uploads;
  readonly random: Random;
  readonly clock: Clock;
}

export interface Incoming {
  readonly request: Request;
  readonly query: { readonly format: ImageFormat; readonly sha256?: string | undefined };
}

export interface Destination<A> {
  /** The host that it would go to; throws when it would be refused anyway. */
  place(source: UploadSource): Promise<HostId>;
  /** Makes the image; `kept: false` when a request before this one has. */
  keep(source: UploadSource, hostId: HostId): Promise<{ readonly kept: boolean; readonly answer: A }>;
}

/** Uploaded files from their first byte until their host has them; what nobody needs any more is swept away. */
export interface UploadRoom {
  receive<A>(incoming: Incoming, destination: Destination<A>): Promise<A>;
  /** Removes the files of images that are made or gone, and what an earlier process left half-made. */
  sweep(): Promise<void>;
}

export function createUploadRoom({ store, uploads, random, clock }: UploadDeps): UploadRoom {
  /** Begun in this process and not yet an image: nobody else's to remove. */
  const active = new Set<string>();
  /** Spares most commits the look at disk and database. */
  let isEmpty = false;

  async function remove(uploadId: string): Promise<void> {
    await uploads.remove(uploadId);
    await store.access.removeUpload(uploadId);
  }

  async function receiveAs<A>(uploadId: string, { request, query }: Incoming, destination: Destination<A>): Promise<A> {
    const sizeBytes = sizeOf(request);
    if (!request.body || sizeBytes === 0) throw new Problem('bad-request', 'the body is empty: it has to be the file itself');
    const guess = {
      do: 'upload',
      uploadId,
      sizeBytes: sizeBytes ?? 1,
      format: query.format,
      sha256: query.sha256 ?? '0'.repeat(64),
    } as const;
    const hostId = await destination.place(guess);
    const received = await uploads
      .receive(uploadId, request.body, { sizeBytesMax: UPLOAD_BYTES_MAX, sizeBytes, signal: request.signal })
      .catch((thrown: unknown) => {
        throw request.signal.aborted ? new Problem('cancelled', 'the sender hung up', { cause: thrown }) : thrown;
      });
    if (received.sizeBytes === 0) throw new Problem('bad-request', 'the body is empty: it has to be the file itself');
    if (query.sha256 !== undefined && received.sha256 !== query.sha256) {
      throw new Problem('checksum-mismatch', `what came has the SHA-256 ${received.sha256}`, { field: 'sha256', retryable: true });
    }
    await store.access.addUpload({ id: uploadId, hostId, ...received, createdAtMs: clock.now() });
    const { kept, answer } = await destination.keep({ ...guess, ...received }, hostId);
    if (!kept) await remove(uploadId);
    return answer;
  }

  return {
    async receive(incoming, destination) {
      const uploadId = random.text(20);
      active.add(uploadId);
      isEmpty = false;
      try {
        return await receiveAs(uploadId, incoming, destination);
      } catch (thrown) {
        await remove(uploadId);
        throw thrown;
      } finally {
        active.delete(uploadId);
      }
    },
    async sweep() {
      if (isEmpty) return;
      const [there, recorded] = [await uploads.list(), await store.access.uploads()];
      const known = new Set([...there, ...recorded.map(({ id }) => id)]);
      for (const id of active) known.delete(id);
      isEmpty = known.size === 0 && active.size === 0;
      if (known.size === 0) return;
      const wanted = await awaitedUploads(store);
      for (const id of known) if (!wanted.has(id)) await remove(id);
    },
  };
}

/** Uploads of images that their hosts have yet to fetch. */
async function awaitedUploads(store: Store): Promise<ReadonlySet<string>> {
  const wanted = new Set<string>();
  for (let after: string | undefined; ; ) {
    const page = await store.allPlaced('image', { limit: 500, after });
    for (const { resource } of page.items) {
      const { source } = resource.spec;
      const isReady = ImageStatus.safeParse(resource.status?.observed).data?.ready === true;
      if (source.do === 'upload' && !isReady && !resource.deletion) wanted.add(source.uploadId);
    }
    if (page.next === null) return wanted;
    after = page.next;
  }
}

function sizeOf(request: Request): number | null {
  const header = request.headers.get('content-length');
  if (header === null) return null;
  const sizeBytes = Number(header);
  if (sizeBytes > UPLOAD_BYTES_MAX) throw new Problem('too-large', `an upload may have ${UPLOAD_BYTES_MAX} bytes`);
  return sizeBytes;
}
