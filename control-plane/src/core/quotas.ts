import { Problem } from '@drover/shared/lib/problem';
import type { PoolQuota } from '@drover/shared/model/access';
import { GiB, type GuestSpec, MiB } from '@drover/shared/model/guest';
import type { RightsWrite } from './rights.ts';

/** What guests come to together. */
export interface Size {
  readonly guests: number;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** A pool that a guest is in, or that its pool is inside of, with all that is in it now. */
export interface PoolRoom {
  readonly path: string;
  readonly quota: PoolQuota;
  readonly used: Size;
  /** Two who fill the same room at once meet on it. */
  readonly version: number;
}

const NOTHING: Size = { guests: 0, cores: 0, memoryBytes: 0, diskBytes: 0 };

export const sizeOf = ({ cores, memoryBytes, disks }: GuestSpec): Size => ({
  guests: 1,
  cores,
  memoryBytes,
  diskBytes: disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
});

const PARTS = [
  { name: 'guests', limit: 'guestsMax', say: (amount: number) => `${amount} guests` },
  { name: 'cores', limit: 'coresMax', say: (amount: number) => `${amount} cores` },
  { name: 'memoryBytes', limit: 'memoryBytesMax', say: (amount: number) => `${inBytes(amount)} of memory` },
  { name: 'diskBytes', limit: 'diskBytesMax', say: (amount: number) => `${inBytes(amount)} of disks` },
] as const;

/**
 * A guest that is made, put into a pool, or grows: is there room in each pool around it? Only what grows is looked at: who is over a quota
 * that was lowered may still shrink. Gives what holds the rooms until it is written.
 */
export function takeRoom(rooms: readonly PoolRoom[], before: Size | null, after: Size): readonly RightsWrite[] {
  const grown = PARTS.filter(({ name }) => after[name] > (before ?? NOTHING)[name]);
  if (grown.length === 0) return [];
  for (const { path, quota, used } of rooms) {
    for (const { name, limit, say } of grown) {
      const [most, would] = [quota[limit], used[name] + after[name] - (before ?? NOTHING)[name]];
      if (most !== undefined && would > most)
        throw new Problem('over-quota', `pool ${path} may come to ${say(most)}; with this it would be ${say(would)}`, {
          suggestion: 'make something in it smaller, or ask for more: drover pool edit',
        });
    }
  }
  return rooms.map(({ path, version }) => ({ do: 'take-room', path, version }));
}

/** Fine enough to see what is missing. */
const inBytes = (bytes: number): string =>
  bytes < 16 * GiB ? `${Math.ceil(bytes / MiB)} MiB` : `${Math.ceil((bytes / GiB) * 10) / 10} GiB`;
