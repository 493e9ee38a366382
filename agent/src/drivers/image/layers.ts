import { constants } from 'node:fs';
import { open, realpath, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { isMissing } from '../../host/durable-file.ts';
import type { Progress } from '../progress.ts';
import { removeTree } from '../storage/durable.ts';
import { unpack } from './unpack.ts';

/** Publishers such as Rocky wrap their root file system: an archive of OCI or Docker form, with the real one inside. */
const OciDescriptor = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) });
const OciIndex = z.object({ manifests: z.array(OciDescriptor).length(1, 'holds more than one image') });
const OciManifest = z.object({ layers: z.array(OciDescriptor) });
const DockerManifest = z
  .array(z.object({ Layers: z.array(z.string().regex(/^(blobs\/sha256\/[0-9a-f]{64}|[0-9a-f]{64}\/layer\.tar|[0-9a-f]{64}\.tar)$/)) }))
  .length(1);

const JSON_BYTES_MAX = 2 ** 20;
const blobOf = ({ digest }: { digest: string }) => join('blobs', 'sha256', digest.slice('sha256:'.length));

/** If what was unpacked wraps a root file system, unpacks that in its place. */
export async function unwrapLayers(folder: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const outer = join(folder, 'rootfs');
  const layers = await layersIn(outer);
  if (layers === null) return;
  const [layer, ...more] = layers;
  if (!layer || more.length > 0)
    throw new Problem('unsupported', `the archive is an image of ${layers.length} layers; only those of one layer are taken`, {
      field: 'source',
      suggestion: 'export a container of it: docker export',
    });
  const wrapped = join(folder, 'wrapped');
  await rename(outer, wrapped);
  const inner = await realpath(join(wrapped, layer));
  // A link in a hostile archive must not have us read another file of the host.
  if (!inner.startsWith(`${await realpath(wrapped)}/`))
    throw new Problem('unsupported', 'the layer of the archive is a link', { field: 'source' });
  progress.log('the archive wraps a root file system of one layer');
  await unpack(folder, inner, progress, signal);
  await removeTree(wrapped, signal);
}

async function layersIn(root: string): Promise<readonly string[] | null> {
  const index = await jsonIn(root, 'index.json');
  if (index !== null && (await jsonIn(root, 'oci-layout')) !== null) {
    const [manifest] = checked(OciIndex, index).manifests;
    if (!manifest) return [];
    return checked(OciManifest, await jsonIn(root, blobOf(manifest))).layers.map(blobOf);
  }
  const docker = await jsonIn(root, 'manifest.json');
  return docker === null ? null : (checked(DockerManifest, docker)[0]?.Layers ?? []);
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem('unsupported', `the archive is not an image that can be read: ${parsed.error.issues[0]?.message ?? ''}`, {
    field: 'source',
  });
}

async function jsonIn(root: string, name: string): Promise<unknown> {
  const path = join(root, name);
  const isPlain = await realpath(path).then(
    async (real) => real === join(await realpath(root), name),
    (cause) => (isMissing(cause) ? null : Promise.reject(cause)),
  );
  if (isPlain === null) return null;
  if (!isPlain) throw new Problem('unsupported', `${name} in the archive is a link`, { field: 'source' });
  // A device or a pipe would keep us waiting.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const about = await file.stat();
    if (!about.isFile() || about.size > JSON_BYTES_MAX) return null;
    return JSON.parse(await file.readFile('utf8'));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  } finally {
    await file.close();
  }
}
