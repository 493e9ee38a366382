import type { HostId } from '../model/id.ts';

/** A cell is one broker and the hosts on it. The default fleet has one, named so. */
export const DEFAULT_CELL = 'main';

export type Leaf = 'down/command' | 'down/reply' | 'up/report' | 'up/gone';

export const topicOf = (cell: string, hostId: HostId, leaf: Leaf): string => `drover/v1/${cell}/${hostId}/${leaf}`;
/** What a host's agent subscribes to, and all that it may read. */
export const downFilter = (cell: string, hostId: HostId): string => `drover/v1/${cell}/${hostId}/down/#`;
/** What the control plane subscribes to, once per cell. */
export const upFilter = (cell: string): string => `drover/v1/${cell}/+/up/#`;

/** The cell, host and leaf of a topic, or null when it is none of ours. */
export function parseTopic(topic: string): { cell: string; hostId: string; leaf: Leaf } | null {
  const match = /^drover\/v1\/([a-z0-9_-]{1,48})\/([a-z0-9_-]{1,48})\/(down\/command|down\/reply|up\/report|up\/gone)$/.exec(topic);
  const [, cell, hostId, leaf] = match ?? [];
  return cell && hostId && leaf ? { cell, hostId, leaf: leaf as Leaf } : null;
}

/** May the client that signed in as `hostId` publish to this topic? */
export function mayPublish(cell: string, hostId: HostId, topic: string): boolean {
  const parsed = parseTopic(topic);
  return parsed !== null && parsed.cell === cell && parsed.hostId === hostId && parsed.leaf.startsWith('up/');
}
