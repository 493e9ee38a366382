import type { Cleanup } from './cleanup.ts';
import type { ContainerContender } from './containers/contender.ts';
import { droverContainers } from './containers/drover.ts';
import { rawContainers } from './containers/raw.ts';
import type { DroverWorld } from './drover-world.ts';
import type { Cast } from './verdict.ts';
import type { VmContender } from './vms/contender.ts';
import { droverVms } from './vms/drover.ts';
import { rawVms } from './vms/raw.ts';

/** Who is measured, in the order in which each sample is taken. */
export interface Contenders<C> {
  readonly drover: C;
  readonly all: readonly C[];
  readonly cast: Cast;
}

interface CastOptions {
  readonly peers: boolean;
  readonly cleanup: Cleanup;
}

export async function castOfContainers(world: DroverWorld, { cleanup }: CastOptions): Promise<Contenders<ContainerContender>> {
  const raw = rawContainers(world);
  cleanup.add('containers of the bare tools', raw.close);
  return together(raw, droverContainers({ api: world.api, image: world.image.id, storagePath: world.storagePath }), null);
}

export async function castOfVms(world: DroverWorld, { cleanup }: CastOptions): Promise<Contenders<VmContender>> {
  const raw = await rawVms(world.bridge);
  cleanup.add('machines of bare QEMU', raw.close);
  return together(raw, droverVms(world.api), null);
}

function together<C extends { readonly name: string }>(raw: C, drover: C, peer: C | null): Contenders<C> {
  return {
    drover,
    all: [raw, drover, ...(peer ? [peer] : [])],
    cast: { raw: raw.name, drover: drover.name, peer: peer?.name ?? null },
  };
}
