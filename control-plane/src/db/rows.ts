import { Problem } from '@drover/shared/lib/problem';
import type { ResourceKind } from '@drover/shared/model/resource';
import { SPEC_SCHEMAS } from '@drover/shared/model/spec';
import type { WishWrite } from '../core/change.ts';
import { type Held, type Host, isKind, type Task } from '../core/held.ts';
import type * as schema from './schema.ts';

/** Between table rows and what the core works with. */

export function heldOf(row: typeof schema.resource.$inferSelect): Held {
  const spec = SPEC_SCHEMAS[row.kind].safeParse(row.spec);
  if (!spec.success) throw new Problem('internal', `the stored spec of ${row.kind} ${row.id} is not valid: ${spec.error.message}`);
  const { kind, id, hostId, generation, ackedGeneration, appliedGeneration, status, deletion, createdAtMs } = row;
  // Sound: the spec was parsed by its own kind's schema in this function; the type checker cannot follow the lookup.
  return { kind, id, hostId, generation, ackedGeneration, appliedGeneration, status, deletion, createdAtMs, spec: spec.data } as Held;
}

export function heldOfKind<K extends ResourceKind>(kind: K, row: typeof schema.resource.$inferSelect): Held<K> {
  const held = heldOf(row);
  if (isKind(kind)(held)) return held;
  throw new Error(`asked for a ${kind}, got a ${held.kind}`);
}

export const hostOf = (row: typeof schema.host.$inferSelect): Host => row;

export function taskOf(row: typeof schema.task.$inferSelect): Task {
  const { verb: _verb, targetKind, targetId, imageId, imageMade, ...rest } = row;
  return { ...rest, target: { kind: targetKind, id: targetId }, image: imageId === null ? null : { id: imageId, made: imageMade } };
}

export function taskRowOf(task: Task): typeof schema.task.$inferInsert {
  const { target, image, result, ...rest } = task;
  return {
    ...rest,
    result,
    verb: task.spec.do,
    targetKind: target.kind,
    targetId: target.id,
    imageId: image?.id ?? null,
    imageMade: image?.made ?? false,
  };
}

/** An id rather than a name: no name looks like one (shared/model/id.ts). */
export const isGuestId = (ref: string): boolean => /^\d+$/.test(ref);

/** The name people know a resource by. A task has none, and a host's is not part of its settings. */
export function nameOfSpec(wish: WishWrite): string {
  if (wish.kind === 'task') return wish.spec.do;
  return wish.kind === 'host' ? wish.id : wish.spec.name;
}
export const variantOfSpec = (wish: WishWrite): string => (wish.kind === 'image' ? wish.spec.form : '');

export function guestIndexOf(wish: Extract<WishWrite, { kind: 'guest' }>) {
  const { spec } = wish;
  return {
    id: Number(wish.id),
    hostId: wish.hostId,
    type: spec.type,
    name: spec.name,
    wishedPower: spec.power,
    memoryBytes: spec.memoryBytes,
    tags: spec.tags.length === 0 ? '' : ` ${spec.tags.join(' ')} `,
  };
}

/** What of a guest's wish is searched. */
export const wordsOf = ({ id, spec }: Extract<WishWrite, { kind: 'guest' }>): string => [spec.name, id, ...spec.tags].join(' ');
