import type { GuestType } from '@drover/shared/model/guest';
import type { Drivers } from './drivers/drivers.ts';
import type { Wishes } from './wishes.ts';

/** Guests that exist here, or of which something is left, and that no wish speaks of. They are reported, never touched: a person adopts or deletes them. */
export async function findOrphans(wishes: Wishes, drivers: Drivers): Promise<ReadonlyMap<number, GuestType | null>> {
  const folders = new Map<string, number>();
  for (const { id } of wishes.all('storage')) {
    const storage = wishes.findStorage(id);
    if (!storage || !(await storage.ready())) continue;
    for (const guestId of await storage.listGuests()) folders.set(storage.guestFolder(guestId), guestId);
  }
  // Of a guest that was half made there may be disks, and no driver that knows it.
  const found = new Map<number, GuestType | null>([...folders.values()].map((id) => [id, null]));
  for (const driver of Object.values(drivers.guests)) {
    for (const id of await driver.list([...folders.keys()])) found.set(id, driver.type);
  }
  for (const { id } of wishes.all('guest')) found.delete(Number(id));
  return found;
}
