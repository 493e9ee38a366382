import type { LinkRow } from './link/link-options.ts';
import type { RowName } from './options.ts';

/** What a figure of Drover must keep to. Several limits at once: each must hold. */
export interface Must {
  /** At most so many ms more than the bare tool. */
  readonly rawPlusMs?: number;
  /** At most so many times what the bare tool takes. */
  readonly rawTimes?: number;
  /** At most so many times what the peer takes. */
  readonly peerTimes?: number;
  /** What the peer took beside the bare tool when both were measured: stands in for the peer where it is not. */
  readonly peerPerRaw?: number;
  /** At most this, in the row's unit. */
  readonly limit?: number;
  /** At least this: more is better. */
  readonly atLeast?: number;
}

export interface RowDefinition {
  readonly row: RowName | LinkRow;
  readonly measure: Measure | LinkMeasure;
  readonly title: string;
  readonly unit: 'ms' | 's' | 'MiB' | 'KiB' | '% of a core' | 'per s' | 'rows' | 'requests';
  /** Absent: for information. */
  readonly must?: Must;
}

export type Measure =
  | 'container create'
  | 'container start seen'
  | 'container start inside'
  | 'container stop'
  | 'container delete'
  | 'container cycle'
  | 'debian create'
  | 'debian delete'
  | 'life cpu agent'
  | 'life cpu control plane'
  | '20 creates'
  | '20 starts'
  | '20 stops'
  | '20 deletes'
  | 'container status'
  | 'list of 20'
  | 'vm define'
  | 'vm start'
  | 'vm status'
  | 'vm destroy'
  | 'vm delete'
  | '10 vm starts'
  | 'agent memory'
  | 'agent cpu'
  | 'control plane memory'
  | 'control plane cpu';

/** Processor time: of the control plane, of brokers beside it, of the light agents. */
export type CostMeasure = Cost | `${Cost} brokers` | `${Cost} agents`;
export type Cost = 'command cpu' | 'command together cpu' | 'first in cpu' | 'idle cpu' | 'back cpu';

export type LinkMeasure =
  | 'round trip'
  | 'round trip p99'
  | 'commands per second'
  | 'api write'
  | 'commands together per second'
  | 'fan-out'
  | 'fan-out together'
  | 'fan-out to all'
  | 'change seen'
  | 'change seen p99'
  | 'api p99'
  | 'page of 100'
  | 'reads per second'
  | CostMeasure
  | 'read cpu'
  | 'idle memory'
  | 'idle api p99'
  | 'reports'
  | 'rows per hour'
  | 'bytes per hour'
  | 'growth per hour'
  | 'first in'
  | 'back'
  | 'back api p99'
  | 'back api failures';

export const ROWS: readonly (RowDefinition & { readonly row: RowName })[] = [
  {
    row: 'P1',
    measure: 'container start seen',
    title: 'container start → shown running',
    unit: 'ms',
    must: { rawPlusMs: 20, peerTimes: 0.4, peerPerRaw: 4.8 },
  },
  { row: 'P1', measure: 'container start inside', title: 'container start → its init ran', unit: 'ms' },
  { row: 'P2', measure: 'container create', title: 'container create', unit: 'ms', must: { peerTimes: 0.5, peerPerRaw: 4.8 } },
  {
    row: 'P2',
    measure: 'debian create',
    title: 'Debian container create',
    unit: 'ms',
    must: { peerTimes: 0.5, limit: 68 },
  },
  { row: 'P2', measure: 'debian delete', title: 'Debian container delete', unit: 'ms' },
  { row: 'P3', measure: 'container stop', title: 'container forced stop', unit: 'ms', must: { peerTimes: 0.1, peerPerRaw: 12 } },
  { row: 'P3', measure: 'container delete', title: 'container delete', unit: 'ms', must: { peerTimes: 1, peerPerRaw: 0.7 } },
  { row: 'P4', measure: 'container cycle', title: 'create, start, stop, delete', unit: 'ms', must: { peerTimes: 0.2, peerPerRaw: 5.5 } },
  { row: 'P4', measure: 'life cpu agent', title: 'processor time of it: agent', unit: 'ms' },
  { row: 'P4', measure: 'life cpu control plane', title: 'processor time of it: control plane', unit: 'ms' },
  { row: 'P5', measure: '20 starts', title: '20 starts at once', unit: 'ms', must: { peerTimes: 1 / 3, peerPerRaw: 3, limit: 570 } },
  { row: 'P5', measure: '20 creates', title: '20 creates at once', unit: 'ms' },
  { row: 'P5', measure: '20 stops', title: '20 forced stops at once', unit: 'ms' },
  { row: 'P5', measure: '20 deletes', title: '20 deletes at once', unit: 'ms' },
  { row: 'P6', measure: 'container status', title: 'status of one', unit: 'ms', must: { limit: 2 } },
  { row: 'P6', measure: 'list of 20', title: 'list of 20, with live state', unit: 'ms', must: { limit: 5 } },
  { row: 'P7', measure: 'vm start', title: 'VM start → running', unit: 'ms', must: { rawPlusMs: 25, peerTimes: 0.3, peerPerRaw: 5.8 } },
  { row: 'P7', measure: 'vm define', title: 'VM define, with its disk', unit: 'ms' },
  { row: 'P7', measure: 'vm status', title: 'VM status', unit: 'ms' },
  { row: 'P8', measure: 'vm destroy', title: 'VM destroy', unit: 'ms', must: { limit: 30 } },
  { row: 'P8', measure: 'vm delete', title: 'VM delete', unit: 'ms' },
  {
    row: 'P9',
    measure: '10 vm starts',
    title: '10 VM starts at once',
    unit: 'ms',
    must: { rawTimes: 1.3, peerTimes: 0.2, peerPerRaw: 7.6 },
  },
  { row: 'P19', measure: 'agent memory', title: 'agent with 50 containers: memory', unit: 'MiB', must: { limit: 80 } },
  { row: 'P19', measure: 'agent cpu', title: 'agent with 50 containers: CPU', unit: '% of a core', must: { limit: 0.5 } },
  { row: 'P19', measure: 'control plane memory', title: 'control plane then: memory', unit: 'MiB' },
  { row: 'P19', measure: 'control plane cpu', title: 'control plane then: CPU', unit: '% of a core' },
];
