import { chmod, chown, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';
import { Disk, type GuestType } from '@drover/shared/model/guest';
import { ImageId } from '@drover/shared/model/id';
import { z } from 'zod';
import { isMissing } from '../../host/durable-file.ts';
import { run } from '../../host/shell.ts';
import type { DiskPlace } from '../guest/driver.ts';
import { copyUnshifted } from './copy.ts';
import type { Layout } from './directory-layout.ts';
import { discard, makeFolder, namesIn, publishFolder, removeTree, syncFile, syncTree, writeSynced } from './durable.ts';
import { mountOverlay, mountsOn, unmountAll } from './overlay.ts';
import { ID_SHIFT, tethered } from './shifted.ts';

/** Lies beside each disk's content: the disk exists if, and only if, this does. */
const DiskRecord = z.strictObject({
  version: z.literal(1),
  type: z.enum(['container', 'vm']),
  /** overlay: a layer over the image. copy: a root file system of its own. */
  form: z.enum(['qcow2', 'overlay', 'copy']),
  imageId: ImageId.nullable(),
  /** The image that must stay as long as this disk does. */
  standsOn: ImageId.nullable(),
  sizeBytes: Disk.shape.sizeBytes,
  unprivileged: z.boolean().nullable(),
});
type DiskRecord = z.infer<typeof DiskRecord>;

export interface DiskImages {
  /** Holds the image for as long as `use` runs; throws Problem when there is none of this type. */
  using<T>(imageId: ImageId, type: GuestType, use: (image: { path: string; virtualSizeBytes: number | null }) => Promise<T>): Promise<T>;
}

export function directoryDisks(layout: Layout, images: DiskImages, overlayUsable: (signal: AbortSignal) => Promise<boolean>) {
  async function recordOf(guestId: number, name: string): Promise<DiskRecord | null> {
    const { record } = layout.disk(guestId, name);
    const text = await readFile(record, 'utf8').catch((cause: unknown) => {
      if (isMissing(cause)) return null;
      throw cause;
    });
    if (text === null) return null;
    const parsed = DiskRecord.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new Problem('host-failed', `${record} is not a disk record that this agent understands`, { cause: parsed.error });
  }

  async function ensure(guestId: number, disk: Disk, type: GuestType, options: { unprivileged: boolean; signal: AbortSignal }) {
    const existing = await recordOf(guestId, disk.name);
    if (existing) return assertSame(existing, disk, type, options.unprivileged);
    if (type === 'container' && options.unprivileged) await assertTraversable(layout.guests);
    const making = layout.diskMaking(guestId, disk.name);
    await makeFolder(layout.guest(guestId), 0o711);
    await makeFolder(layout.disks(guestId), 0o711);
    await Promise.all([removeTree(making, options.signal), removeTree(layout.diskGone(guestId, disk.name), options.signal)]);
    await mkdir(making, { mode: 0o700 });
    const make = { making, disk, unprivileged: options.unprivileged, signal: options.signal };
    const record = await (type === 'vm' ? makeVmDisk(make) : makeRootfs(make));
    await writeSynced(join(making, 'disk.json'), JSON.stringify(record), 0o600);
    await publishFolder(making, layout.disk(guestId, disk.name).folder);
  }

  interface Make {
    readonly making: string;
    readonly disk: Disk;
    readonly unprivileged: boolean;
    readonly signal: AbortSignal;
  }
  const recordFor = (disk: Disk, rest: Pick<DiskRecord, 'type' | 'form' | 'standsOn' | 'unprivileged'>): DiskRecord => ({
    version: 1,
    imageId: disk.imageId,
    sizeBytes: disk.sizeBytes,
    ...rest,
  });

  async function makeVmDisk({ making, disk, signal }: Make): Promise<DiskRecord> {
    const file = join(making, 'disk.qcow2');
    const create = (base: readonly string[]) => run('qemu-img', qcow2Arguments(file, disk.sizeBytes, base), { signal, timeoutMs: 120_000 });
    if (disk.imageId === null) await create([]);
    else
      await images.using(disk.imageId, 'vm', async (image) => {
        if (image.virtualSizeBytes !== null && disk.sizeBytes < image.virtualSizeBytes)
          throw new Problem('bad-request', `the disk is smaller than its image, which is of ${image.virtualSizeBytes} bytes`, {
            field: 'disks.0.sizeBytes',
            suggestion: `give the disk at least ${Math.ceil(image.virtualSizeBytes / 2 ** 20)} MiB`,
          });
        await create([image.path]);
      });
    await chmod(file, 0o600);
    await syncFile(file);
    return recordFor(disk, { type: 'vm', form: 'qcow2', standsOn: disk.imageId, unprivileged: null });
  }

  async function makeRootfs({ making, disk, unprivileged, signal }: Make): Promise<DiskRecord> {
    const owner = unprivileged ? ID_SHIFT.first : 0;
    const rootfs = join(making, 'rootfs');
    const about = { type: 'container', unprivileged } as const;
    // The guest's root may pass through, by its group; nobody else of the host, who could otherwise run its setuid programs.
    await chown(making, 0, owner);
    await chmod(making, unprivileged ? 0o710 : 0o700);
    if (disk.imageId === null) {
      await mkdir(rootfs, { mode: 0o755 });
      await chown(rootfs, owner, owner);
      return recordFor(disk, { ...about, form: 'copy', standsOn: null });
    }
    return images.using(disk.imageId, 'container', async (image) => {
      if (unprivileged && (await overlayUsable(signal))) {
        const root = await stat(image.path);
        const upper = join(making, 'upper');
        await Promise.all([mkdir(upper), mkdir(join(making, 'work'), { mode: 0o700 }), mkdir(rootfs)]);
        // What the guest sees as / takes its owner and mode from here.
        await chown(upper, root.uid, root.gid);
        await chmod(upper, root.mode & 0o7777);
        return recordFor(disk, { ...about, form: 'overlay', standsOn: disk.imageId });
      }
      if (unprivileged) await run(...tethered('cp', ['-a', '--reflink=auto', '--', image.path, rootfs]), { signal, timeoutMs: 3_600_000 });
      else await copyUnshifted(image.path, rootfs, signal);
      await syncTree(making, signal);
      return recordFor(disk, { ...about, form: 'copy', standsOn: null });
    });
  }

  async function attach(guestId: number, disk: Disk, type: GuestType, signal: AbortSignal): Promise<void> {
    const record = await recordOf(guestId, disk.name);
    if (!record || record.type !== type)
      throw new Problem('not-found', `guest ${guestId} has no disk ${disk.name} here`, { retryable: true });
    if (record.form !== 'overlay') return;
    if (!record.standsOn)
      throw new Problem('host-failed', `the disk ${disk.name} of guest ${guestId} does not say which image it is a layer over`);
    await assertTraversable(layout.guests);
    const place = layout.disk(guestId, disk.name);
    await images.using(record.standsOn, 'container', (image) =>
      mountOverlay({ lower: image.path, upper: place.upper, work: place.work, target: place.rootfs, devices: false }, signal),
    );
  }

  async function release(guestId: number, name: string, signal: AbortSignal): Promise<void> {
    const { rootfs } = layout.disk(guestId, name);
    if ((await mountsOn(rootfs)).count > 0) await unmountAll(rootfs, signal);
  }

  async function remove(guestId: number, name: string, signal: AbortSignal): Promise<void> {
    await release(guestId, name, signal);
    await removeTree(layout.diskMaking(guestId, name), signal);
    await discard(layout.disk(guestId, name).folder, layout.diskGone(guestId, name), signal);
  }

  function place(guestId: number, disk: Disk, type: GuestType): DiskPlace {
    const { file, rootfs } = layout.disk(guestId, disk.name);
    return type === 'vm'
      ? { name: disk.name, form: 'file', path: file, format: 'qcow2' }
      : { name: disk.name, form: 'directory', path: rootfs, format: null };
  }

  /** Names of the disks of a guest, with the image that each stands on. */
  async function standing(guestId: number): Promise<readonly { readonly name: string; readonly standsOn: string | null }[]> {
    const names = (await namesIn(layout.disks(guestId))).filter((name) => Disk.shape.name.safeParse(name).success);
    const found = await Promise.all(names.map(async (name) => ({ name, record: await recordOf(guestId, name) })));
    return found.flatMap(({ name, record }) => (record ? [{ name, standsOn: record.standsOn }] : []));
  }

  return {
    exists: async (guestId: number, name: string, type: GuestType) => (await recordOf(guestId, name))?.type === type,
    ensure,
    attach,
    release,
    remove,
    place,
    standing,
  };
}

/** The image's path begins with a slash (`PlainPath`), so qemu-img takes it for a file and nothing else. */
export function qcow2Arguments(file: string, sizeBytes: number, base: readonly string[]): readonly string[] {
  return ['create', '-q', '-f', 'qcow2', ...base.flatMap((path) => ['-b', path, '-F', 'qcow2']), '--', file, String(sizeBytes)];
}

function assertSame(record: DiskRecord, disk: Disk, type: GuestType, unprivileged: boolean): void {
  const differs =
    record.type !== type
      ? `belongs to a ${record.type}`
      : record.imageId !== disk.imageId
        ? `was made from ${record.imageId ?? 'nothing'}`
        : record.unprivileged !== null && record.unprivileged !== unprivileged
          ? `was made for ${record.unprivileged ? 'an unprivileged' : 'a privileged'} container`
          : null;
  if (differs) throw new Problem('conflict', `the disk ${disk.name} exists already and ${differs}`);
}

/** The root of an unprivileged container must be able to walk to its file system; without this, LXC fails with a message that explains less. */
async function assertTraversable(path: string): Promise<void> {
  for (let folder = path; folder !== '/'; folder = dirname(folder)) {
    const { mode } = await stat(folder);
    if ((mode & 0o001) === 0)
      throw new Problem('unsupported', `unprivileged containers cannot reach their files: ${folder} is closed to other users`, {
        suggestion: `chmod o+x ${folder} lets them pass through without letting them list it; or use a storage elsewhere`,
      });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not a record: the schema says so.
    return undefined;
  }
}
