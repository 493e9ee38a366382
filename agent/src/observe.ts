import { digest } from '@drover/shared/lib/digest';
import type { GuestStatus } from '@drover/shared/model/guest';
import type { ImageStatus } from '@drover/shared/model/image';
import type { Wish } from '@drover/shared/model/spec';
import type { StorageStatus } from '@drover/shared/model/storage';
import type { ObservedFabric, ObservedImageFabric } from './core/plan-fabric.ts';
import type { GuestWorld } from './core/plan-guest.ts';
import type { Drivers } from './drivers/drivers.ts';
import type { Storage } from './drivers/storage/driver.ts';
import type { Wishes } from './wishes.ts';

/** Asks the drivers what is. Nothing here is remembered: the truth is on the host. */

export interface ObservedGuestResource {
  readonly world: Omit<GuestWorld, 'shutdownAskedAtMs' | 'heldUntilMs' | 'turn'>;
  readonly status: GuestStatus;
}

export async function observeStorage(wish: Wish<'storage'>, wishes: Wishes): Promise<{ fabric: ObservedFabric; status: StorageStatus }> {
  const storage = wishes.storage(wish.id);
  const ready = await storage.ready();
  const capacity = ready ? await storage.capacity() : null;
  return {
    fabric: { ready, exists: await storage.exists() },
    status: { ready, totalBytes: capacity?.totalBytes ?? null, freeBytes: capacity?.freeBytes ?? null },
  };
}

export async function observeNetwork(wish: Wish<'network'>, wishes: Wishes): Promise<ObservedFabric> {
  const network = wishes.network(wish.id);
  return { ready: await network.ready(), exists: await network.exists() };
}

/** The digest that a published image carries: what it was made from, not what it is called. */
export const imageDigest = (wish: Wish<'image'>): string => digest([wish.spec.form, wish.spec.source]);

export async function observeImage(wish: Wish<'image'>, wishes: Wishes): Promise<{ fabric: ObservedImageFabric; status: ImageStatus }> {
  const nothing = { ready: false, sizeBytes: null, virtualSizeBytes: null, madeAtMs: null };
  const absent = { ready: false, exists: false, usedBy: null };
  const storage = wishes.findStorage(wish.spec.storageId);
  if (!storage || !(await storage.ready())) return { fabric: { ...absent, storageReady: false }, status: nothing };
  const image = (await storage.listImages()).find((candidate) => candidate.id === wish.id);
  if (!image) return { fabric: { ...absent, storageReady: true }, status: nothing };
  const ready = image.digest === imageDigest(wish);
  const { sizeBytes, virtualSizeBytes, madeAtMs } = image;
  const usedBy = wish.deletion ? await userOf(wish.id, wishes) : null;
  return { fabric: { ready, exists: true, storageReady: true, usedBy }, status: { ready, sizeBytes, virtualSizeBytes, madeAtMs } };
}

/** A guest with a disk that stands on the image. One that merely waits for it has none. */
async function userOf(imageId: string, wishes: Wishes): Promise<{ name: string; id: string } | null> {
  for (const { id, spec } of wishes.all('guest')) {
    for (const disk of spec.disks) {
      if (disk.imageId !== imageId) continue;
      const storage = wishes.findStorage(disk.storageId);
      if (await storage?.diskExists(Number(id), disk, spec.type)) return { name: spec.name, id };
    }
  }
  return null;
}

export async function observeGuest(wish: Wish<'guest'>, wishes: Wishes, drivers: Drivers): Promise<ObservedGuestResource> {
  const { spec } = wish;
  const guestId = Number(wish.id);
  const readyStorages = new Map<string, Storage>();
  const readyImages = new Set<string>();
  const imageNames = new Map<string, string>();
  for (const storageId of new Set([
    ...spec.disks.map((disk) => disk.storageId),
    ...imagesOf(wish).flatMap((id) => wishes.get('image', id)?.spec.storageId ?? []),
  ])) {
    const storage = wishes.findStorage(storageId);
    if (!storage || !(await storage.ready())) continue;
    readyStorages.set(storageId, storage);
    for (const image of await storage.listImages()) {
      const wished = wishes.get('image', image.id);
      if (wished && imageDigest(wished) === image.digest) readyImages.add(image.id);
    }
  }
  for (const imageId of imagesOf(wish)) imageNames.set(imageId, wishes.get('image', imageId)?.spec.name ?? imageId);
  const disks = new Set<string>();
  for (const disk of spec.disks) {
    if (await readyStorages.get(disk.storageId)?.diskExists(guestId, disk, spec.type)) disks.add(disk.name);
  }
  const readyNetworks = new Set<string>();
  const running = new Set<string>();
  for (const nic of spec.nics) {
    if (await wishes.findNetwork(nic.networkId)?.ready()) readyNetworks.add(nic.networkId);
  }
  const home = readyStorages.get(spec.disks[0]?.storageId ?? '');
  const guest = home ? await drivers.guests[spec.type].observe(guestId, home.guestFolder(guestId)) : null;
  const remains = home ? guest !== null || (await home.listGuests()).includes(guestId) : false;
  if (guest?.running) {
    for (const nic of spec.nics) {
      if (!readyNetworks.has(nic.networkId)) continue;
      for (const address of await wishes.network(nic.networkId).addresses(nic.mac)) running.add(address);
    }
  }
  return {
    world: { guest, disks, remains, readyStorages: new Set(readyStorages.keys()), readyNetworks, readyImages, imageNames },
    status: {
      power: home ? (guest?.running ? 'running' : 'stopped') : 'unknown',
      addresses: [...running],
      startedAtMs: guest?.running ? (guest.lastRun?.startedAtMs ?? null) : null,
      end: guest?.running ? null : (guest?.lastRun?.end ?? null),
      endedAtMs: guest?.running ? null : (guest?.lastRun?.endedAtMs ?? null),
      crashes: guest?.lastRun?.crashes ?? 0,
      ...(guest?.paused ? { paused: guest.paused.reason } : {}),
      ...(guest?.accelerator ? { accelerator: guest.accelerator } : {}),
      needsRestart: guest ? [...guest.needsRestart] : [],
    },
  };
}

function imagesOf(wish: Wish<'guest'>): string[] {
  const ofDisks = wish.spec.disks.flatMap((disk) => disk.imageId ?? []);
  return wish.spec.type === 'vm' && wish.spec.cdromImageId ? [...ofDisks, wish.spec.cdromImageId] : ofDisks;
}
