import type { Privilege } from '@drover/shared/access/privilege';
import type { Thing } from '@drover/shared/access/scope';
import { unreachable } from '@drover/shared/lib/assert';

/** What one can have rights on, beside everything. An image is looked at as a part of its storage. */
export type ThingKind = 'guest' | 'host' | 'storage' | 'network' | 'image' | 'pool';

/** Where a thing is: what is granted there reaches it. */
export interface Whereabouts {
  readonly hostId: string | null;
  readonly pool: string | null;
  readonly tags: readonly string[];
  /** Of an image. */
  readonly storageId: string | null;
}

export const NOWHERE: Whereabouts = { hostId: null, pool: null, tags: [], storageId: null };
export const EVERYTHING: Thing = { path: '/', memberOf: [] };
export const ACCESS: Thing = { path: '/access', memberOf: [] };

/** A thing as decisions about rights know it. */
export function thingOf(kind: ThingKind, id: string, where: Whereabouts = NOWHERE): Thing {
  const memberOf = [
    ...(where.pool === null ? [] : [`/pool/${where.pool}`]),
    ...where.tags.map((tag) => `/tag/${tag}`),
    ...(where.hostId === null ? [] : [`/nodes/${where.hostId}`]),
  ];
  return { path: pathOf(kind, id, where), memberOf };
}

function pathOf(kind: ThingKind, id: string, where: Whereabouts): string {
  switch (kind) {
    case 'guest':
      return `/vms/${id}`;
    case 'host':
      return `/nodes/${id}`;
    case 'storage':
      return `/storage/${id}`;
    case 'image':
      return `/storage/${where.storageId ?? id}`;
    case 'network':
      return `/network/${id}`;
    case 'pool':
      return `/pool/${id}`;
    default:
      return unreachable(kind);
  }
}

/** Who has this on a thing sees it; to everybody else it is not there. */
export const SEES: { readonly [K in ThingKind]: Privilege } = {
  guest: 'VM.Audit',
  host: 'Sys.Audit',
  storage: 'Datastore.Audit',
  network: 'SDN.Audit',
  image: 'Datastore.Audit',
  pool: 'Pool.Audit',
};
