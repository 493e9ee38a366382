import { digest } from '@drover/shared/lib/digest';
import type { GuestSpec } from '@drover/shared/model/guest';

/** What makes two wishes for a guest the same definition: everything but its power, which is not written beside the disks. */
export function definitionDigest(spec: GuestSpec): string {
  const { power: _power, powerRequest: _powerRequest, ...definition } = spec;
  return digest(definition);
}
