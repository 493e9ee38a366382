import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { GuestFolder, Machine, StorageState } from '../simulation/machine.ts';

/** What of a simulated host outlives its agent: everything but the agent. */
interface Kept {
  readonly storages: readonly [string, KeptStorage][];
  readonly networks: readonly [string, { ready: boolean; prefix: string; registered: [string, never][]; leases: [string, string][] }][];
  readonly running: readonly { id: number; type: 'vm' | 'container'; spec: never; storage: string }[];
}
type KeptStorage = Omit<StorageState, 'folders' | 'images' | 'staging'> & {
  readonly folders: readonly [number, Omit<GuestFolder, 'disks'> & { readonly disks: readonly [string, never][] }][];
  readonly images: readonly [string, never][];
  readonly staging: readonly [string, never][];
};

/** Writes the host down, to go on from there when the next agent starts. */
export function keepMachine(machine: Machine, path: string): void {
  const kept = {
    storages: [...machine.storages].map(([place, state]) => [
      place,
      {
        ...state,
        folders: [...state.folders].map(([id, folder]) => [id, { ...folder, disks: [...folder.disks] }]),
        images: [...state.images],
        staging: [...state.staging],
      },
    ]),
    networks: [...machine.networks].map(([bridge, state]) => [
      bridge,
      { ...state, registered: [...state.registered], leases: [...state.leases] },
    ]),
    running: [...machine.running.values()].map(({ id, type, spec, folder }) => ({ id, type, spec, storage: storageOf(machine, folder) })),
  };
  writeFileSync(`${path}.new`, JSON.stringify(kept));
  renameSync(`${path}.new`, path);
}

/** Takes the host up as it was kept; a new host when there is nothing. */
export function takeUpMachine(machine: Machine, path: string): void {
  const kept = read(path);
  if (!kept) return;
  for (const [place, state] of kept.storages) {
    const { folders, images, staging, ...rest } = state;
    Object.assign(machine.storage(place), rest);
    for (const [id, folder] of folders) machine.storage(place).folders.set(id, { ...folder, disks: new Map(folder.disks) });
    for (const [id, image] of images) machine.storage(place).images.set(id, image);
    for (const [id, stage] of staging) machine.storage(place).staging.set(id, stage);
  }
  for (const [bridge, { registered, leases, ...rest }] of kept.networks) {
    const network = Object.assign(machine.network(bridge), rest);
    for (const [mac, guest] of registered) network.registered.set(mac, guest);
    for (const [mac, address] of leases) network.leases.set(mac, address);
  }
  for (const { id, type, spec, storage } of kept.running) {
    const folder = machine.storage(storage).folders.get(id);
    if (folder) machine.begin(id, type, spec, folder);
  }
}

function storageOf(machine: Machine, folder: GuestFolder): string {
  for (const [place, { folders }] of machine.storages) if ([...folders.values()].includes(folder)) return place;
  return '';
}

function read(path: string): Kept | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // The first start of this host.
    return null;
  }
}
