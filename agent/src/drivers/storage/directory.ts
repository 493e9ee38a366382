import { mkdir, realpath, rm, stat, statfs } from 'node:fs/promises';
import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { z } from 'zod';
import type { AgentConfig } from '../../config.ts';
import { fileProblem } from '../../host/file-problem.ts';
import { type DiskImages, directoryDisks } from './directory-disks.ts';
import { directoryImages, guestsIn } from './directory-images.ts';
import { DirectoryConfig, isWithin, type Layout, layoutOf, openedPath } from './directory-layout.ts';
import type { Storage, StorageDriver } from './driver.ts';
import { discard, namesIn, removeIfEmpty, syncFolder, writeWhole } from './durable.ts';
import { overlayWorks } from './overlay.ts';

export interface DirectoryStorageOptions {
  readonly config: Pick<AgentConfig, 'storagePaths'>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** A storage in a folder of any local file system: VM disks as qcow2, containers as overlays of their image. */
export function createDirectoryStorageDriver({ config, clock, log }: DirectoryStorageOptions): StorageDriver {
  return {
    name: 'directory',
    async probe() {
      const configSchema = z.toJSONSchema(DirectoryConfig);
      return {
        port: 'storage',
        name: 'directory',
        title: 'Folder',
        usable: true,
        configSchema,
        capabilities: {
          shared: false,
          thin: true,
          linkedClones: true,
          snapshots: false,
          // The size of a container's disk is a wish that a plain file system does not hold it to.
          quota: false,
        },
      };
    },
    open: (_id, settings) => openDirectory(layoutOf(openedPath(settings, config.storagePaths)), config.storagePaths, clock, log),
  };
}

function openDirectory(layout: Layout, storagePaths: readonly string[], clock: Clock, log: (line: string) => void): Storage {
  const images = directoryImages(layout, clock, log);
  const parts = [layout.mark, layout.guests, layout.images, layout.staging];
  const diskImages: DiskImages = { using: images.using };
  let overlay: Promise<boolean> | null = null;

  /** Tried once per life of the agent; a try that was cancelled does not count. */
  function overlayUsable(signal: AbortSignal): Promise<boolean> {
    overlay ??= overlayWorks(layout.overlayTrial, signal).then(
      (answer) => {
        if (answer !== true) log(`${layout.root}: containers are full copies of their image, as overlays do not work here: ${answer}`);
        return answer === true;
      },
      (thrown) => {
        overlay = null;
        throw thrown;
      },
    );
    return overlay;
  }

  const disks = directoryDisks(layout, diskImages, overlayUsable);
  const said = async <T>(attempt: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (thrown) {
      throw fileProblem(thrown, attempt);
    }
  };

  async function ensure(signal: AbortSignal): Promise<void> {
    await mkdir(layout.root, { recursive: true, mode: 0o711 });
    const real = await realpath(layout.root);
    const allowed = await Promise.all(storagePaths.map((path) => realpath(path).catch(() => path)));
    if (!isWithin(real, allowed))
      throw new Problem('not-allowed', `${layout.root} leads to ${real}, which this host does not allow for storages`, {
        field: 'config.path',
      });
    for (const [folder, mode] of [
      [layout.guests, 0o711],
      [layout.images, 0o700],
      [layout.staging, 0o700],
    ] as const)
      await mkdir(folder, { recursive: true, mode });
    if (!(await isThere(layout.mark))) await writeWhole(layout.mark, JSON.stringify({ version: 1, driver: 'directory' }), 0o600);
    await syncFolder(layout.root);
    await overlayUsable(signal);
  }

  async function removeStorage(signal: AbortSignal): Promise<void> {
    const left = (await guestsIn(layout)).there.length + (await images.list()).length;
    if (left > 0) throw new Problem('in-use', `${layout.root} still holds ${left} guests and images`, { suggestion: 'delete them first' });
    for (const folder of [layout.guests, layout.images]) {
      if (!(await removeIfEmpty(folder)))
        throw new Problem('in-use', `${folder} holds files that Drover does not know`, {
          suggestion: 'look at them, then remove or move them',
        });
    }
    await discard(layout.staging, `${layout.staging}.gone`, signal);
    await rm(layout.mark, { force: true });
  }

  async function ensureDisk(...[guestId, disk, type, options]: Parameters<Storage['ensureDisk']>): Promise<void> {
    await mkdir(layout.guest(guestId), { recursive: true, mode: 0o711 });
    await disks.ensure(guestId, disk, type, options);
  }

  /** One that is being removed counts until that is done. A folder with nothing in it is what a disk left that was begun and never made. */
  async function listGuests(): Promise<readonly number[]> {
    const { there, going } = await guestsIn(layout);
    const filled = await Promise.all(there.map(async (id) => (await namesIn(layout.guest(id))).length > 0));
    return [...new Set([...there.filter((_id, index) => filled[index]), ...going])];
  }

  async function removeGuestFolder(guestId: number): Promise<void> {
    const signal = AbortSignal.timeout(600_000);
    for (const disk of await disks.standing(guestId)) await disks.remove(guestId, disk.name, signal);
    await discard(layout.guest(guestId), layout.guestGone(guestId), signal);
  }

  return {
    ensure: (signal) => said(`making ${layout.root} ready`, () => ensure(signal)),
    ready: () => Promise.all(parts.map(isThere)).then((answers) => answers.every((there) => there)),
    exists: () => Promise.all(parts.map(isThere)).then((answers) => answers.some((there) => there)),
    capacity: () =>
      said(`asking for the space in ${layout.root}`, async () => {
        const { blocks, bavail, bsize } = await statfs(layout.root);
        return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
      }),
    remove: (signal) => said(`removing ${layout.root}`, () => removeStorage(signal)),
    guestFolder: layout.guest,
    listGuests: () => said('listing guests', listGuests),
    removeGuestFolder: (guestId) => said(`removing the folder of guest ${guestId}`, () => removeGuestFolder(guestId)),
    diskExists: (guestId, disk, type) => said(`looking for disk ${disk.name}`, () => disks.exists(guestId, disk.name, type)),
    ensureDisk: (guestId, disk, type, options) => said(`making disk ${disk.name}`, () => ensureDisk(guestId, disk, type, options)),
    diskPlace: (guestId, disk, type) => disks.place(guestId, disk, type),
    attachDisk: (guestId, disk, type, signal) => said(`attaching disk ${disk.name}`, () => disks.attach(guestId, disk, type, signal)),
    releaseDisk: (guestId, disk, _type, signal) => said(`releasing disk ${disk.name}`, () => disks.release(guestId, disk.name, signal)),
    removeDisk: (guestId, disk, _type, signal) => said(`removing disk ${disk.name}`, () => disks.remove(guestId, disk.name, signal)),
    listImages: () => said('listing images', images.list),
    imagePath: (imageId) => images.path(imageId),
    stageImage: (imageId) => said('readying a place for the image', () => images.stage(imageId)),
    publishImage: (imageId, about, progress) => said(`publishing image ${about.name}`, () => images.publish(imageId, about, progress)),
    removeImage: (imageId, signal) => said(`removing image ${imageId}`, () => images.remove(imageId, signal)),
  };
}

/** Also false where it cannot be seen: a storage that is away. */
const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
