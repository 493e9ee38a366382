import type { z } from 'zod';
import { GuestSpec } from './guest.ts';
import { HostSpec } from './host.ts';
import { ImageSpec } from './image.ts';
import { NetworkSpec } from './network.ts';
import type { Resource, ResourceKind } from './resource.ts';
import { StorageSpec } from './storage.ts';
import { TaskSpec } from './task.ts';

/** The strict schema of each kind's spec: an agent that does not understand every field refuses it. */
export const SPEC_SCHEMAS = {
  host: HostSpec,
  guest: GuestSpec,
  image: ImageSpec,
  storage: StorageSpec,
  network: NetworkSpec,
  task: TaskSpec,
} as const satisfies Record<ResourceKind, z.ZodType>;

export type SpecOf<K extends ResourceKind> = z.infer<(typeof SPEC_SCHEMAS)[K]>;

/** A resource whose spec has been parsed by its kind's schema. */
export type Wish<K extends ResourceKind = ResourceKind> = {
  [P in K]: Omit<Resource, 'kind' | 'spec'> & { readonly kind: P; readonly spec: SpecOf<P> };
}[K];
