import type { ReplacedHost } from '@drover/shared/api/host-views';
import { Problem } from '@drover/shared/lib/problem';
import type { GuestSpec } from '@drover/shared/model/guest';
import { GuestId, type ImageId, type NetworkId, type StorageId } from '@drover/shared/model/id';
import { changedTasks, endedTask } from './apply-task.ts';
import type { Ask, Change, Decision, EventWrite, WishWrite } from './change.ts';
import { type Held, isKind } from './held.ts';
import { settingsAfter } from './host-settings.ts';
import type { HostDecisionView } from './views.ts';

export interface Replacing {
  /** Guests that were wished running run again; else all are off until somebody starts them. */
  readonly start: boolean;
}

/**
 * Wishes of a machine that is lost are wished of another: under their ids, so that guests keep names, numbers and addresses of their
 * cards. What the new one has under the same name (its first storage, its first network) is used as it is. The old host is forgotten with
 * it: were its key to come in again, its guests would run twice.
 */
export function replaceHost(
  old: HostDecisionView,
  fresh: HostDecisionView,
  { start }: Replacing,
  ask: Ask,
): Decision<ReplacedHost> & { readonly change: Change } {
  checkReplaceable(old, fresh);
  const moved = old.resources.filter(({ kind, deletion }) => kind !== 'task' && kind !== 'host' && deletion === null);
  const twins = twinsOf(moved, fresh.resources);
  const to = { hostId: fresh.host.id };
  const idOf = (id: string): string => twins.get(id)?.id ?? id;
  const wishes: WishWrite[] = moved
    .filter(({ id }) => !twins.has(id))
    .map((held): WishWrite => {
      const next = { ...to, id: held.id, generation: held.generation + 1, deletion: null };
      switch (held.kind) {
        case 'guest':
          return { kind: 'guest', ...next, spec: movedGuest(held.spec, idOf, start) };
        case 'image':
          // Sound, here and below: an id of a row is given for another of the same kind.
          return { kind: 'image', ...next, spec: { ...held.spec, storageId: idOf(held.spec.storageId) as StorageId } };
        default:
          // Sound: kind and spec come from one resource, which a spread of a union cannot express.
          return { kind: held.kind, ...next, spec: held.spec } as WishWrite;
      }
    });
  const settings = settingsAfter(fresh, old);
  const written = new Set(wishes.map(({ kind, id }) => `${kind}/${id}`));
  const removals = old.resources.filter(({ kind, id }) => !written.has(`${kind}/${id}`)).map(({ kind, id }) => ({ kind, id }));
  const problem = new Problem('gone', `the host ${old.host.name} was replaced by ${fresh.host.name}`);
  const ended = old.tasks.map((task) => endedTask(task, 'cancelled', problem, ask.nowMs));
  const events: EventWrite[] = [
    ...wishes.map(({ kind, id }) => ({ kind, id, gone: false })),
    ...removals.filter(({ kind }) => kind !== 'host').map((ref) => ({ ...ref, gone: true })),
    { kind: 'host', id: old.host.id, gone: true },
    { kind: 'host', id: fresh.host.id, gone: false },
    ...changedTasks(ended),
  ];
  return {
    change: {
      by: ask.by,
      atMs: ask.nowMs,
      wishes: settings === null ? wishes : [...wishes, settings],
      restsOn: [...old.resources, ...twins.values()].map(({ kind, id, generation }) => ({ kind, id, generation })),
      // Nobody there has heard of them yet.
      observations: wishes.map(({ kind, id }) => ({ kind, id, ackedGeneration: 0, appliedGeneration: 0, status: null })),
      removals,
      forgottenHosts: [old.host.id],
      taskUpdates: ended,
      events,
    },
    answer: statementOf(old, fresh, moved, twins, start),
  };
}

function checkReplaceable(old: HostDecisionView, fresh: HostDecisionView): void {
  if (old.host.id === fresh.host.id) throw new Problem('bad-request', 'with: a host cannot take its own place', { field: 'with' });
  if (old.host.connected) {
    throw new Problem('wrong-state', `the host ${old.host.name} is connected: its guests are there, and would be twice`, {
      suggestion: `if it shall go all the same, shut its guests down and cut it off first: drover host revoke ${old.host.name}`,
    });
  }
  if (fresh.host.revokedAtMs !== null) throw new Problem('wrong-state', `with: the host ${fresh.host.name} is cut off`, { field: 'with' });
  if (fresh.inventory === null) {
    throw new Problem('wrong-state', `with: the host ${fresh.host.name} has not introduced itself yet`, {
      field: 'with',
      retryable: true,
      suggestion: 'wait until it is connected, and try again',
    });
  }
  const guests = fresh.resources.filter(isKind('guest'));
  if (guests.length > 0) {
    throw new Problem('wrong-state', `with: the host ${fresh.host.name} has guests of its own (${guests.length})`, {
      field: 'with',
      suggestion: 'name one that was just added, and has none',
    });
  }
}

/** What the new host has under the same name, by the id of what the old one had. */
function twinsOf(moved: readonly Held[], there: readonly Held[]): ReadonlyMap<string, Held> {
  const nameOf = (held: Held): string | null => {
    if (held.deletion) return null;
    if (held.kind === 'storage' || held.kind === 'network') return `${held.kind}/${held.spec.name}`;
    return held.kind === 'image' ? `image/${held.spec.form}/${held.spec.name}` : null;
  };
  const byName = new Map(there.flatMap((held) => (nameOf(held) === null ? [] : [[nameOf(held), held] as const])));
  return new Map(
    moved.flatMap((held) => {
      const twin = byName.get(nameOf(held));
      return twin && nameOf(held) !== null ? [[held.id, twin] as const] : [];
    }),
  );
}

function movedGuest(spec: GuestSpec, idOf: (id: string) => string, start: boolean): GuestSpec {
  const common = {
    power: start && spec.power === 'running' ? ('running' as const) : ('off' as const),
    powerRequest: spec.powerRequest + 1,
    disks: spec.disks.map((disk) => ({
      ...disk,
      storageId: idOf(disk.storageId) as StorageId,
      imageId: disk.imageId === null ? null : (idOf(disk.imageId) as ImageId),
    })),
    nics: spec.nics.map((nic) => ({ ...nic, networkId: idOf(nic.networkId) as NetworkId })),
  };
  if (spec.type === 'container') return { ...spec, ...common };
  return { ...spec, ...common, cdromImageId: spec.cdromImageId === null ? null : (idOf(spec.cdromImageId) as ImageId) };
}

/** What becomes of each thing, for a person to read before it is done. */
function statementOf(
  old: HostDecisionView,
  fresh: HostDecisionView,
  moved: readonly Held[],
  twins: ReadonlyMap<string, Held>,
  start: boolean,
): ReplacedHost {
  const images = new Map(moved.filter(isKind('image')).map((image) => [image.id, image]));
  const leaf = ({ id, name }: HostDecisionView['host']) => ({ id, name });
  return {
    from: leaf(old.host),
    to: leaf(fresh.host),
    guests: moved.filter(isKind('guest')).map(({ id, spec }) => ({
      id: GuestId.parse(Number(id)),
      name: spec.name,
      starts: start && spec.power === 'running',
      disks: spec.disks.map(({ name, imageId }) => ({ name, image: imageId === null ? null : (images.get(imageId)?.spec.name ?? null) })),
    })),
    images: [...images.values()].map(({ id, spec }) => ({
      name: spec.name,
      form: spec.form,
      becomes: twins.has(id) ? ('there' as const) : spec.source.do === 'upload' ? ('upload-again' as const) : ('made-anew' as const),
    })),
    storages: moved.filter(isKind('storage')).map(({ id, spec }) => ({ name: spec.name, isThere: twins.has(id) })),
    networks: moved.filter(isKind('network')).map(({ id, spec }) => ({ name: spec.name, isThere: twins.has(id) })),
  };
}
