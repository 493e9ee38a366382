import { Problem } from '@drover/shared/lib/problem';
import type { Wish } from '@drover/shared/model/spec';
import type { Step, StepOf } from './core/step.ts';
import type { Drivers } from './drivers/drivers.ts';
import type { GuestDefinition } from './drivers/guest/driver.ts';
import type { Progress } from './drivers/progress.ts';
import type { Storage } from './drivers/storage/driver.ts';
import { imageDigest } from './observe.ts';
import type { Wishes } from './wishes.ts';

export interface Performance {
  readonly wish: Wish;
  readonly wishes: Wishes;
  readonly drivers: Drivers;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** One step → the calls on drivers that carry it out. The type of the table sees to it that none is missing. */
const PERFORMERS: { readonly [D in Step['do']]: (step: StepOf<D>, performance: Performance) => Promise<void> } = {
  'storage.ensure': (_step, { wish, wishes, signal }) => wishes.storage(wish.id).ensure(signal),
  'storage.remove': (_step, { wish, wishes, signal }) => wishes.storage(wish.id).remove(signal),
  'network.ensure': (_step, { wish, wishes, signal }) => wishes.network(wish.id).ensure(signal),
  'network.remove': (_step, { wish, wishes, signal }) => wishes.network(wish.id).remove(signal),
  'image.make': async (_step, performance) => {
    const wish = only('image', performance.wish);
    const storage = performance.wishes.storage(wish.spec.storageId);
    const { folder } = await storage.stageImage(wish.id);
    const made = await performance.drivers.images.make(wish.spec, folder, performance.progress, performance.signal);
    const about = { name: wish.spec.name, form: wish.spec.form, digest: imageDigest(wish), virtualSizeBytes: made.virtualSizeBytes };
    await storage.publishImage(wish.id, about, performance.progress);
  },
  'image.remove': (_step, { wish, wishes, signal }) => wishes.storage(only('image', wish).spec.storageId).removeImage(wish.id, signal),
  'disk.ensure': async ({ disk }, { wish, wishes, signal }) => {
    const { spec } = only('guest', wish);
    const unprivileged = spec.type === 'container' && spec.unprivileged;
    await wishes.storage(disk.storageId).ensureDisk(Number(wish.id), disk, spec.type, { unprivileged, signal });
  },
  'disk.remove': async ({ disk }, { wish, wishes, signal }) => {
    const { spec } = only('guest', wish);
    const storage = wishes.storage(disk.storageId);
    await storage.releaseDisk(Number(wish.id), disk, spec.type, signal);
    await storage.removeDisk(Number(wish.id), disk, spec.type, signal);
  },
  'guest.define': async (_step, performance) => {
    const definition = definitionOf(performance);
    // A container's identity is written into its root file system, so that must be in place.
    await attachDisks(performance);
    await performance.drivers.guests[definition.spec.type].define(definition, performance.signal);
    // A guest that runs is found by its new name at once.
    await registerNics(definition, performance);
  },
  'guest.start': async (_step, performance) => {
    const definition = definitionOf(performance);
    const { spec } = definition;
    await registerNics(definition, performance);
    await attachDisks(performance);
    await performance.drivers.guests[spec.type].start(definition, performance.signal);
  },
  'guest.shutdown': (_step, { wish, wishes, drivers, signal }) => {
    const { id, folder, type } = placeOf(only('guest', wish), wishes);
    return drivers.guests[type].shutdown(id, folder, signal);
  },
  'guest.stop': (_step, { wish, wishes, drivers, signal }) => {
    const { id, folder, type } = placeOf(only('guest', wish), wishes);
    return drivers.guests[type].stop(id, folder, signal);
  },
  'guest.remove': async (_step, { wish, wishes, drivers, signal }) => {
    const guest = only('guest', wish);
    const { id, folder, type, home } = placeOf(guest, wishes);
    for (const nic of guest.spec.nics) await wishes.findNetwork(nic.networkId)?.unregister(nic.mac);
    await drivers.guests[type].remove(id, folder, signal);
    await home.removeGuestFolder(id);
  },
};

export function perform(step: Step, performance: Performance): Promise<void> {
  // Sound: the table's type pairs each step with its own performer, which an index by a union cannot express.
  const performer = PERFORMERS[step.do] as (step: Step, performance: Performance) => Promise<void>;
  return performer(step, performance);
}

/** All that a guest driver needs, from the wish and what storages and networks say. */
export function definitionOf({ wish, wishes }: Pick<Performance, 'wish' | 'wishes'>): GuestDefinition {
  const guest = only('guest', wish);
  const { id, folder } = placeOf(guest, wishes);
  const { spec } = guest;
  const cdrom = spec.type === 'vm' && spec.cdromImageId ? wishes.get('image', spec.cdromImageId) : null;
  return {
    id,
    spec,
    places: {
      folder,
      disks: spec.disks.map((disk) => wishes.storage(disk.storageId).diskPlace(id, disk, spec.type)),
      nics: spec.nics.map((nic) => ({ name: nic.name, mac: nic.mac, bridge: wishes.network(nic.networkId).bridge })),
      cdromPath: cdrom ? wishes.storage(cdrom.spec.storageId).imagePath(cdrom.id) : null,
    },
  };
}

async function registerNics({ id, spec }: GuestDefinition, { wishes }: Performance): Promise<void> {
  for (const nic of spec.nics) await wishes.network(nic.networkId).register({ guestId: id, guestName: spec.name, mac: nic.mac });
}

async function attachDisks({ wish, wishes, signal }: Performance): Promise<void> {
  const { spec } = only('guest', wish);
  for (const disk of spec.disks) await wishes.storage(disk.storageId).attachDisk(Number(wish.id), disk, spec.type, signal);
}

/** Where a guest's own folder is: on the storage of its first disk. */
export function placeOf(guest: Wish<'guest'>, wishes: Wishes): { id: number; folder: string; type: 'vm' | 'container'; home: Storage } {
  const [root] = guest.spec.disks;
  if (!root) throw new Problem('bad-request', `guest ${guest.id} has no disk`, { field: 'disks' });
  const home = wishes.storage(root.storageId);
  const id = Number(guest.id);
  return { id, folder: home.guestFolder(id), type: guest.spec.type, home };
}

function only<K extends Wish['kind']>(kind: K, wish: Wish): Wish<K> {
  if (wish.kind !== kind) throw new Problem('internal', `a step for a ${kind} was planned for a ${wish.kind}`);
  // Sound: the kind was just compared.
  return wish as Wish<K>;
}
