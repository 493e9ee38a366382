import { createReadStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { ImageView, TaskView } from '@drover/shared/api/views';
import { makeBusyboxArchive } from './busybox.ts';
import type { World } from './world.ts';

/** Sends the busybox archive in as image "busybox", and waits until the host has unpacked it. */
export async function uploadBusybox(world: Pick<World, 'url' | 'token' | 'api'>, atBoot = '', host?: string): Promise<ImageView> {
  const archive = makeBusyboxArchive(atBoot);
  try {
    return await uploadRootfs(world, 'busybox', archive.path, host);
  } finally {
    archive.remove();
  }
}

/** Sends an archive of a root file system in as an image, and waits until the host has unpacked it. `host`: which one; else any. */
export const uploadRootfs = (world: Sender, name: string, path: string, host?: string): Promise<ImageView> =>
  upload(world, path, { name, form: 'container', format: 'tar.gz', ...(host === undefined ? {} : { host }) });

/** The same for a disk. */
export const uploadDisk = (world: Sender, name: string, path: string, host?: string): Promise<ImageView> =>
  upload(world, path, { name, form: 'vm', format: 'raw', ...(host === undefined ? {} : { host }) });

type Sender = Pick<World, 'url' | 'token' | 'api'>;

/** Streamed. */
async function upload({ url, token, api }: Sender, path: string, query: Readonly<Record<string, string>>): Promise<ImageView> {
  // `duplex` is what Node's fetch wants for a streamed body; the DOM's types do not know it yet.
  const request: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    headers: { 'authorization': `Bearer ${token}`, 'content-length': String(statSync(path).size) },
    body: Readable.toWeb(createReadStream(path)) as unknown as ReadableStream,
    duplex: 'half',
  };
  const response = await fetch(`${url}/api/v1/images/upload?${new URLSearchParams(query)}`, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`upload: ${response.status} ${text}`);
  const { resource, task } = JSON.parse(text) as { resource: ImageView; task: TaskView };
  await api.finish(task);
  return await api.image(resource.id);
}
