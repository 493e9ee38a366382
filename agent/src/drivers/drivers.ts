import type { GuestType } from '@drover/shared/model/guest';
import type { GuestDriver } from './guest/driver.ts';
import type { ImageMaker } from './image/source.ts';
import type { NetworkDriver } from './network/driver.ts';
import type { StorageDriver } from './storage/driver.ts';

/** Every driver of this host, by what they are for. The rest of the agent knows none by name. */
export interface Drivers {
  readonly guests: { readonly [T in GuestType]: GuestDriver };
  readonly storages: ReadonlyMap<string, StorageDriver>;
  readonly networks: ReadonlyMap<string, NetworkDriver>;
  readonly images: ImageMaker;
}
