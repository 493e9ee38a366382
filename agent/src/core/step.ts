import type { Disk } from '@drover/shared/model/guest';

/** One idempotent action: done if it is already so. A guest's steps are performed in order; after the last the world is observed anew. */
export type Step =
  | { readonly do: 'storage.ensure' }
  | { readonly do: 'storage.remove' }
  | { readonly do: 'network.ensure' }
  | { readonly do: 'network.remove' }
  | { readonly do: 'image.make' }
  | { readonly do: 'image.remove' }
  | { readonly do: 'disk.ensure'; readonly disk: Disk }
  | { readonly do: 'disk.remove'; readonly disk: Disk }
  | { readonly do: 'guest.define' }
  | { readonly do: 'guest.start' }
  | { readonly do: 'guest.shutdown' }
  | { readonly do: 'guest.stop' }
  | { readonly do: 'guest.remove' };

export type StepOf<D extends Step['do']> = Extract<Step, { do: D }>;

/** What people read while the step runs. */
export function titleOfStep(step: Step, name: string): string {
  switch (step.do) {
    case 'storage.ensure':
      return `preparing storage ${name}`;
    case 'storage.remove':
      return `removing storage ${name}`;
    case 'network.ensure':
      return `preparing network ${name}`;
    case 'network.remove':
      return `removing network ${name}`;
    case 'image.make':
      return `making image ${name}`;
    case 'image.remove':
      return `removing image ${name}`;
    case 'disk.ensure':
      return `making disk ${step.disk.name} of ${name}`;
    case 'disk.remove':
      return `removing disk ${step.disk.name} of ${name}`;
    case 'guest.define':
      return `defining ${name}`;
    case 'guest.start':
      return `starting ${name}`;
    case 'guest.shutdown':
      return `shutting ${name} down`;
    case 'guest.stop':
      return `stopping ${name}`;
    case 'guest.remove':
      return `removing ${name}`;
  }
}

/** How long a step may take, in ms, before it is ended and counted as failed. */
export const STEP_DEADLINE_MS: { readonly [D in Step['do']]: number } = {
  'storage.ensure': 60_000,
  'storage.remove': 60_000,
  'network.ensure': 60_000,
  'network.remove': 60_000,
  'image.make': 3 * 3_600_000,
  'image.remove': 600_000,
  'disk.ensure': 3_600_000,
  'disk.remove': 600_000,
  'guest.define': 60_000,
  'guest.start': 120_000,
  'guest.shutdown': 30_000,
  'guest.stop': 60_000,
  'guest.remove': 60_000,
};
