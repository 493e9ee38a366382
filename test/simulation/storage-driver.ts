import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { type Disk, Disk as DiskSchema } from '@drover/shared/model/guest';
import { ImageId } from '@drover/shared/model/id';
import { z } from 'zod';
import type { Storage, StorageDriver } from '../../agent/src/drivers/storage/driver.ts';
import type { StorageState } from './machine.ts';
import { ask, type Operator, operate } from './operate.ts';

const Settings = z.strictObject({ path: z.string().startsWith('/') });
const TOTAL_BYTES = 512 * 2 ** 30;

/** Disks and images that are entries in a table. */
export function createSimulatedStorageDriver(operator: Operator): StorageDriver {
  return {
    name: 'directory',
    probe: async () => ({
      port: 'storage',
      name: 'directory',
      title: 'Simulated folder',
      usable: true,
      configSchema: z.toJSONSchema(Settings),
      capabilities: { shared: false, thin: true, linkedClones: true, snapshots: false },
    }),
    open(_id, config) {
      const settings = Settings.safeParse(config);
      if (!settings.success) throw problemOfInput(settings.error, 'the settings of the storage');
      return openStorage(settings.data.path, operator);
    },
  };
}

function openStorage(path: string, operator: Operator): Storage {
  const { machine, life } = operator;
  const state = (): StorageState => machine.storage(path);
  const isReady = () => state().made && !state().away;
  const folderPath = (guestId: number) => {
    if (!Number.isInteger(guestId) || guestId < 1) throw new Problem('bad-request', `${guestId} is not the id of a guest`);
    return `${path}/guests/${guestId}`;
  };
  const disksOf = (guestId: number) => machine.folder(folderPath(guestId)).disks;

  function needReady() {
    if (!isReady()) throw new Problem('host-failed', `the storage at ${path} is away`, { retryable: true });
  }

  return {
    ensure: (signal) =>
      operate(operator, 'prepare storage', path, signal, [
        () => {
          if (state().away) throw new Problem('host-failed', `the storage at ${path} is away`, { retryable: true });
          state().made = true;
        },
      ]),
    ready: () => ask(operator, 'look at storage', isReady),
    exists: () => ask(operator, 'look at storage', () => state().made),
    capacity: () =>
      ask(operator, 'measure storage', () => {
        const used = [...state().folders.values()].flatMap((folder) => [...folder.disks.values()]).length * 2 ** 28;
        return { totalBytes: TOTAL_BYTES, freeBytes: TOTAL_BYTES - used };
      }),
    remove: (signal) =>
      operate(operator, 'remove storage', path, signal, [
        () => {
          const isEmpty = state().images.size === 0 && listGuests(state()).length === 0;
          if (!isEmpty) throw new Problem('in-use', `the storage at ${path} is not empty`);
          state().made = false;
        },
      ]),

    guestFolder: folderPath,
    listGuests: () => ask(operator, 'list guest folders', () => listGuests(state())),
    removeGuestFolder: async (guestId) => {
      const folder = machine.folderIfThere(folderPath(guestId));
      if (!folder) return;
      await operate(operator, 'remove folder of guest', guestId, new AbortController().signal, [
        () => {
          needReady();
          state().folders.delete(guestId);
          machine.tell({ do: 'folder-removed', guestId, disks: [...folder.disks.keys()] });
        },
      ]);
    },

    diskExists: (guestId, disk) =>
      ask(operator, 'look at disk', () => isReady() && (machine.folderIfThere(folderPath(guestId))?.disks.has(disk.name) ?? false)),
    ensureDisk: async (guestId, disk, type, { signal }) => {
      if (!DiskSchema.shape.name.safeParse(disk.name).success) throw new Problem('bad-request', `${disk.name} is not the name of a disk`);
      if (machine.folderIfThere(folderPath(guestId))?.disks.has(disk.name)) return;
      await operate(operator, 'make disk', `${disk.name} of ${guestId}`, signal, [
        () => {
          needReady();
          checkImage(state(), disk, type);
          disksOf(guestId).set(disk.name, { disk, attached: false });
          machine.tell({ do: 'disk-made', guestId, disk: disk.name });
        },
      ]);
    },
    diskPlace: (guestId, disk, type) => ({
      name: disk.name,
      form: type === 'vm' ? 'file' : 'directory',
      path: `${folderPath(guestId)}/${disk.name}`,
      format: type === 'vm' ? 'qcow2' : null,
    }),
    attachDisk: (guestId, disk, _type, signal) => {
      signal.throwIfAborted();
      return ask(operator, 'attach disk', () => {
        needReady();
        const found = machine.folderIfThere(folderPath(guestId))?.disks.get(disk.name);
        if (!found) throw new Problem('not-found', `guest ${guestId} has no disk ${disk.name}`);
        found.attached = true;
      });
    },
    releaseDisk: (guestId, disk) =>
      ask(operator, 'release disk', () => {
        const found = machine.folderIfThere(folderPath(guestId))?.disks.get(disk.name);
        if (found) found.attached = false;
      }),
    removeDisk: async (guestId, disk, _type, signal) => {
      if (machine.running.has(guestId)) throw new Problem('in-use', `guest ${guestId} runs from its disk ${disk.name}`);
      await operate(operator, 'remove disk', `${disk.name} of ${guestId}`, signal, [
        () => {
          needReady();
          if (machine.folderIfThere(folderPath(guestId))?.disks.delete(disk.name))
            machine.tell({ do: 'disk-removed', guestId, disk: disk.name });
        },
      ]);
    },

    listImages: () => ask(operator, 'list images', () => (isReady() ? [...state().images.values()] : [])),
    imagePath: (imageId) => `${path}/images/${imageId}`,
    stageImage: async (imageId) => {
      if (!ImageId.safeParse(imageId).success) throw new Problem('bad-request', `${imageId} is not the id of an image`);
      needReady();
      state().staging.set(imageId, { filled: false });
      return { folder: `${path}/staging/${imageId}` };
    },
    publishImage: async (imageId, about) => {
      if (state().images.get(imageId)?.digest === about.digest) return;
      await operate(operator, 'publish image', imageId, new AbortController().signal, [
        () => {
          needReady();
          if (!state().staging.get(imageId)?.filled) throw new Problem('host-failed', `image ${imageId} was published before it was made`);
          state().staging.delete(imageId);
          state().images.set(imageId, { id: imageId, ...about, sizeBytes: 300 * 2 ** 20, madeAtMs: life.clock.now() });
          machine.tell({ do: 'image-made', imageId });
        },
      ]);
    },
    removeImage: (imageId, signal) =>
      operate(operator, 'remove image', imageId, signal, [
        () => {
          needReady();
          const user = userOf(state(), imageId);
          if (user !== null) throw new Problem('in-use', `guest ${user} stands on image ${imageId}`, { retryable: true });
          state().staging.delete(imageId);
          if (state().images.delete(imageId)) machine.tell({ do: 'image-removed', imageId });
        },
      ]),
  };
}

const listGuests = (state: StorageState): number[] =>
  state.made && !state.away
    ? [...state.folders]
        .flatMap(([id, folder]) => (folder.definition || folder.run || folder.disks.size > 0 ? [id] : []))
        .sort((a, b) => a - b)
    : [];

function userOf(state: StorageState, imageId: string): number | null {
  for (const [guestId, folder] of state.folders) {
    for (const { disk } of folder.disks.values()) if (disk.imageId === imageId) return guestId;
  }
  return null;
}

function checkImage(state: StorageState, disk: Disk, type: 'vm' | 'container'): void {
  if (disk.imageId === null) return;
  const image = state.images.get(disk.imageId);
  if (!image) throw new Problem('not-found', `there is no image ${disk.imageId}`, { field: 'disks.0.imageId' });
  if (image.form !== type) throw new Problem('bad-request', `image ${image.name} is for a ${image.form}`, { field: 'disks.0.imageId' });
  if (image.virtualSizeBytes !== null && image.virtualSizeBytes > disk.sizeBytes)
    throw new Problem('bad-request', 'the disk is smaller than its image', { field: 'disks.0.sizeBytes' });
}
