import type { Cleanup } from './cleanup.ts';
import type { ContainerContender } from './containers/contender.ts';
import { droverContainers } from './containers/drover.ts';
import { rawContainers } from './containers/raw.ts';
import type { DroverWorld } from './drover-world.ts';
import { type IdleProcess, startBareNode } from './idle.ts';
import type { BenchImages } from './images.ts';
import { startLibvirt } from './peers/libvirt.ts';
import { startLxd } from './peers/lxd.ts';
import type { Cast } from './verdict.ts';
import type { VmContender } from './vms/contender.ts';
import { droverVms } from './vms/drover.ts';
import { rawVms } from './vms/raw.ts';

/** Who is measured, in the order in which each sample is taken. */
export interface Contenders<C> {
  readonly raw: C;
  readonly drover: C;
  readonly all: readonly C[];
  readonly cast: Cast;
}

interface CastOptions {
  readonly peers: boolean;
  readonly cleanup: Cleanup;
}

export interface ContainerCast extends Contenders<ContainerContender> {
  readonly idle: readonly IdleProcess[];
}

export async function castOfContainers(world: DroverWorld, images: BenchImages, { peers, cleanup }: CastOptions): Promise<ContainerCast> {
  const raw = rawContainers(world.bridge, images);
  cleanup.add('containers of the bare tools', raw.close);
  const drover = droverContainers(world, images);
  const lxd = peers ? await startLxd(world.bridge, images, cleanup) : null;
  const node = startBareNode();
  cleanup.add('the process that does nothing', () => node.end());
  const agent = { memory: 'agent memory', cpu: 'agent cpu' } as const;
  const idle: IdleProcess[] = [
    { contender: drover.name, pid: world.pids.agent, ...agent },
    { contender: drover.name, pid: world.pids.controlPlane, memory: 'control plane memory', cpu: 'control plane cpu' },
    { contender: raw.name, pid: node.pid, ...agent },
    ...(lxd ? [{ contender: lxd.name, pid: lxd.pid, ...agent }] : []),
  ];
  return { ...together(raw, drover, lxd), idle };
}

export async function castOfVms(world: DroverWorld, { peers, cleanup }: CastOptions): Promise<Contenders<VmContender>> {
  const raw = await rawVms(world.bridge);
  cleanup.add('machines of bare QEMU', raw.close);
  return together(raw, droverVms(world.client), peers ? await startLibvirt(world.bridge, cleanup) : null);
}

function together<C extends { readonly name: string }>(raw: C, drover: C, peer: C | null): Contenders<C> {
  return {
    raw,
    drover,
    all: [raw, drover, ...(peer ? [peer] : [])],
    cast: { raw: raw.name, drover: drover.name, peer: peer?.name ?? null },
  };
}
