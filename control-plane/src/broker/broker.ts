import type { HostId } from '@drover/shared/model/id';

/** MQTT as the control plane sees it. Nothing that a broker stores is ever relied on. */
export interface Broker {
  /** Settles when it has been handed on; says nothing about arrival. */
  publish(topic: string, payload: Uint8Array | string, qos: 0 | 1): Promise<void>;
  /** Every message on up/#. One listener. */
  onMessage(listener: (topic: string, payload: Uint8Array) => void): void;
  /** A host's connection has begun or ended, as the broker sees it. One listener. */
  onPresence(listener: (hostId: HostId, connected: boolean) => void): void;
  /** Is what is published to this cell handed on? */
  serves(cell: string): boolean;
  /** Ends the connection of a host that was cut off, or shall come back with other credentials; `cell`: only there. */
  disconnect(hostId: HostId, cell?: string): void;
}
