import type { Inventory } from '@drover/shared/model/host';
import type { HostId, NetworkId, StorageId } from '@drover/shared/model/id';
import type { WishWrite } from './change.ts';
import type { Held } from './held.ts';

export { createImage, removeImage } from './images.ts';

/** Every host gets one storage and one network, once, as soon as it has said where its owner lets Drover keep things. */
export function defaultFabric(
  hostId: HostId,
  inventory: Inventory,
  resources: readonly Held[],
  ids: { readonly storageId: StorageId; readonly networkId: NetworkId },
): WishWrite[] {
  const wishes: WishWrite[] = [];
  if (!resources.some(({ kind }) => kind === 'storage')) {
    const spec = { name: 'local', driver: 'directory', config: { path: inventory.defaults.storagePath } };
    wishes.push({ kind: 'storage', id: ids.storageId, hostId, generation: 1, spec, deletion: null });
  }
  if (!resources.some(({ kind }) => kind === 'network')) {
    const spec = { name: 'default', driver: 'nat', config: { bridge: inventory.defaults.bridge, subnet: freeSubnet(inventory.routes) } };
    wishes.push({ kind: 'network', id: ids.networkId, hostId, generation: 1, spec, deletion: null });
  }
  return wishes;
}

/** The first /24 of 10.86.0.0/16 that overlaps nothing the host already reaches. */
export function freeSubnet(routes: readonly string[]): string {
  const taken = routes.map(rangeOf).filter((range) => range !== null);
  for (let third = 0; third < 256; third++) {
    const subnet = `10.86.${third}.0/24`;
    const range = rangeOf(subnet);
    if (range && !taken.some(({ first, last }) => first <= range.last && range.first <= last)) return subnet;
  }
  return '10.86.0.0/24';
}

/** First and last address of an IPv4 range in CIDR form; null for anything else, and for the default route, which overlaps everything. */
function rangeOf(cidr: string): { first: number; last: number } | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(cidr);
  if (!match) return null;
  const [a = 0, b = 0, c = 0, d = 0, length = 32] = match.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  if (length === 0 || length > 32) return null;
  const size = 2 ** (32 - length);
  const first = Math.floor((a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / size) * size;
  return { first, last: first + size - 1 };
}
