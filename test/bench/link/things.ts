import { digest } from '@drover/shared/lib/digest';
import { ResourceRef, ResourceStatus } from '@drover/shared/model/resource';
import { z } from 'zod';

/** What a light agent has in its journal, and as what it says that it is. */
export const HeldThing = z.object({
  ...ResourceRef.shape,
  generation: z.number(),
  digest: z.string(),
  power: z.enum(['running', 'stopped']),
  isGone: z.boolean().optional(),
});
export type HeldThing = z.infer<typeof HeldThing>;

export function statusOf({ kind, id, generation, digest: seen, power, isGone = false }: HeldThing): ResourceStatus {
  const observed =
    kind === 'guest'
      ? { power, addresses: ['192.0.2.7'], startedAtMs: null, end: null, endedAtMs: null, crashes: 0, needsRestart: [] }
      : { ready: true };
  return ResourceStatus.parse({
    kind,
    id,
    acked: generation,
    applied: generation,
    digest: seen,
    condition: 'settled',
    gone: isGone,
    observed,
  });
}

export const thingOf = (kind: HeldThing['kind'], id: string, spec: unknown): HeldThing => ({
  kind,
  id,
  generation: 1,
  digest: digest({ spec, deletion: null }),
  power: 'running',
});
