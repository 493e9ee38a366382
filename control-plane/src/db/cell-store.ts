import type { HostId } from '@drover/shared/model/id';
import type { CutOff } from '../broker/profile.ts';
import type { LeaseStore } from '../loop/lease.ts';
import type { Recorded } from './audit-write.ts';

export type ProfileName = 'embedded' | 'mosquitto' | 'nats' | 'jwt';

/** A broker, and the hosts on it. */
export interface Cell {
  readonly name: string;
  readonly profile: ProfileName;
  /** Where agents reach the broker, in the order to be tried; none: where they reach the control plane. */
  readonly urls: readonly string[];
  /** Where the control plane itself reaches it; null: at the first of urls. */
  readonly ownUrl: string | null;
  /** NATS only: its own protocol, nats:// or tls://. */
  readonly adminUrl: string | null;
  /** Whose certificate the broker shows: one by the fleet's own authority, or by a public one. */
  readonly serverCertificate: 'fleet' | 'public';
  /** No new hosts; those that are there are moved to others. */
  readonly isDraining: boolean;
  readonly createdAtMs: number;
}

/** A cell, and how it is about it. */
export interface KnownCell extends Cell {
  readonly hosts: number;
  readonly connectedHosts: number;
  /** Whoever holds its lease reaches its broker. */
  readonly isReached: boolean;
}

export interface CellStore extends LeaseStore {
  /** By name. */
  cells(): Promise<readonly KnownCell[]>;
  /** Throws Problem name-taken. */
  addCell(cell: Cell, record?: Recorded): Promise<void>;
  /** False: there is none. */
  setDraining(name: string, isDraining: boolean, record?: Recorded): Promise<boolean>;
  setReached(name: string, isReached: boolean): Promise<void>;
  /** Throws Problem in-use while there are hosts. False: there is none. */
  removeCell(name: string, record?: Recorded): Promise<boolean>;
  /** The host's next credentials are for that cell. */
  moveHost(hostId: HostId, cell: string, atMs: number, record?: Recorded): Promise<void>;
  /** Hosts of cells that drain get another cell that is reached, the emptiest first; at most `limit` at once. Gives those that moved. */
  moveDraining(limit: number, atMs: number): Promise<readonly HostId[]>;
  /** Hosts that were revoked or forgotten since then. */
  cutOffSince(ms: number): Promise<readonly CutOff[]>;
  /** Nobody of the cell is known to be connected: their next report says so, or their silence. */
  disconnectCell(name: string): Promise<void>;
}
