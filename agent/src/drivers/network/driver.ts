import type { DriverDescription } from '@drover/shared/model/host';

export interface NetworkGuest {
  readonly guestId: number;
  readonly guestName: string;
  readonly mac: string;
}

/** One network of one host, bound to its parsed settings. Verbs are idempotent and throw Problem. */
export interface Network {
  /** Bridge, addresses, DHCP, firewall rules: all there and running, or made so. */
  ensure(signal: AbortSignal): Promise<void>;
  /** Is everything that `ensure` makes still there? Cheap. */
  ready(): Promise<boolean>;
  /** Is anything of it there, so that `remove` has something to take away? Cheap. */
  exists(): Promise<boolean>;
  /** Takes away exactly what `ensure` made. */
  remove(signal: AbortSignal): Promise<void>;
  /** The name that guests' NICs are plugged into. */
  readonly bridge: string;
  /** Tells DHCP and DNS about a guest before it starts; same MAC again: replaced. */
  register(guest: NetworkGuest): Promise<void>;
  unregister(mac: string): Promise<void>;
  /** Addresses that the guest with this MAC has now, from the leases. Cheap. */
  addresses(mac: string): Promise<readonly string[]>;
  /** Calls `changed` with a MAC when its addresses changed. */
  watch(changed: (mac: string) => void): () => void;
}

export interface NetworkDriver {
  readonly name: string;
  probe(): Promise<DriverDescription>;
  open(id: string, config: unknown): Network;
}
