import { digest } from '@drover/shared/lib/digest';
import type { GuestSpec } from '@drover/shared/model/guest';

/** A wish stands for a long time, and is compared with what is there at every look. */
const known = new WeakMap<GuestSpec, string>();

/** What makes two wishes for a guest the same definition: everything but its power, which is not written beside the disks. */
export function definitionDigest(spec: GuestSpec): string {
  const before = known.get(spec);
  if (before !== undefined) return before;
  const { power: _power, powerRequest: _powerRequest, ...definition } = spec;
  const made = digest(definition);
  known.set(spec, made);
  return made;
}
