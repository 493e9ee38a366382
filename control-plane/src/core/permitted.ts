import type { Privilege } from '@drover/shared/access/privilege';
import { Problem } from '@drover/shared/lib/problem';
import type { ResourceKind } from '@drover/shared/model/resource';
import type { Change, WishWrite } from './change.ts';
import type { Rights } from './rights-of.ts';
import { thingOf, type Whereabouts } from './things.ts';

/**
 * Is all that a change makes anew within its author's rights? Looked at just before it is written, so that no second way to make a thing,
 * by a copy, a replacement or on the way to something else, is forgotten: whatever the route, this is what it comes to.
 * What an edit of a thing that is there takes, its route's need says.
 */
export function refuseUnpermitted(change: Change, rights: Rights): void {
  const pools = new Map((change.rights ?? []).flatMap((write) => (write.do === 'set-pool' ? [[keyOf(write.member), write.path]] : [])));
  for (const wish of change.wishes ?? []) {
    if (wish.generation !== 1) continue;
    for (const demand of demandsOf(wish, pools.get(keyOf(wish)) ?? null)) refuse(rights, demand);
    if (wish.kind === 'guest') refuseTags([], wish.spec.tags, rights);
  }
}

/** A tag by which somebody has rights is given and taken by who may change rights there: it gives them the guest, or takes it away. */
export function refuseTags(before: readonly string[], after: readonly string[], rights: Rights): void {
  const changed = [...before.filter((tag) => !after.includes(tag)), ...after.filter((tag) => !before.includes(tag))];
  for (const tag of changed) {
    const path = `/tag/${tag}`;
    const isGranted = rights.facts.facts.grants.some(({ scope }) => scope === path);
    if (!isGranted || rights.may('Permissions.Modify', { path, memberOf: [] })) continue;
    throw new Problem('not-allowed', `rights are granted by the tag ${tag}: to set or take it needs Permissions.Modify on ${path}`, {
      field: 'tags',
    });
  }
}

const keyOf = ({ kind, id }: { readonly kind: string; readonly id: string }): string => `${kind}/${id}`;

interface Demand {
  readonly privilege: Privilege;
  readonly kind: 'guest' | 'storage' | 'network' | 'host';
  readonly id: string;
  readonly where: Whereabouts;
  readonly what: string;
}

function demandsOf(wish: WishWrite, pool: string | null): Demand[] {
  const there: Whereabouts = { hostId: wish.hostId, pool: null, tags: [], storageId: null };
  switch (wish.kind) {
    case 'guest': {
      const { disks, nics, name } = wish.spec;
      return [
        // Its tags do not count: one could give oneself a right by calling it so.
        { privilege: 'VM.Allocate', kind: 'guest', id: wish.id, where: { ...there, pool }, what: `guest ${name}` },
        ...disks.map(({ storageId }): Demand => space(storageId, there)),
        ...nics.map(
          ({ networkId }): Demand => ({ privilege: 'SDN.Use', kind: 'network', id: networkId, where: there, what: `network ${networkId}` }),
        ),
      ];
    }
    case 'image':
      return [
        {
          privilege: 'Datastore.AllocateTemplate',
          kind: 'storage',
          id: wish.spec.storageId,
          where: there,
          what: `the storage for image ${wish.spec.name}`,
        },
      ];
    case 'storage':
      return [{ privilege: 'Datastore.Allocate', kind: 'storage', id: wish.id, where: there, what: `storage ${wish.spec.name}` }];
    case 'network':
      return [{ privilege: 'Sys.Modify', kind: 'host', id: wish.hostId, where: { ...there, hostId: null }, what: 'the host' }];
    case 'host':
    case 'task':
      // Its route has asked.
      return [];
  }
}

const space = (storageId: string, where: Whereabouts): Demand => ({
  privilege: 'Datastore.AllocateSpace',
  kind: 'storage',
  id: storageId,
  where,
  what: `storage ${storageId}`,
});

function refuse(rights: Rights, { privilege, kind, id, where, what }: Demand): void {
  if (rights.may(privilege, thingOf(kind, id, where))) return;
  throw new Problem('not-allowed', `this needs ${privilege} on ${what}, which you do not have`, {
    suggestion: 'who grants rights there can give you a role that has it; drover access explain tells what you have and why',
  });
}

/** What cancelling somebody else's task about such a thing takes. */
export function cancels(kind: ResourceKind): Privilege {
  switch (kind) {
    case 'guest':
      return 'VM.PowerMgmt';
    case 'image':
      return 'Datastore.AllocateTemplate';
    case 'storage':
      return 'Datastore.Allocate';
    case 'network':
    case 'host':
    case 'task':
      return 'Sys.Modify';
  }
}
