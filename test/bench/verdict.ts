import type { Must, RowDefinition } from './rows.ts';
import { quantile, type Samples } from './statistics.ts';

/** Part a contender plays in a row. */
export type Role = 'raw' | 'drover' | 'peer';

/** Which contender played which part: their samples lie under their names. */
export type Cast = Readonly<Record<Role, string | null>>;

export interface Figures {
  readonly contender: string;
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
  readonly samples: number;
}

export interface RowResult extends RowDefinition {
  readonly raw: Figures | null;
  readonly drover: Figures;
  readonly peer: Figures | null;
  readonly limits: readonly Limit[];
  /** Null where nothing is demanded. */
  readonly reached: boolean | null;
}

/** One limit in the row's own unit, and where it comes from. */
export interface Limit {
  readonly value: number;
  readonly from: string;
  /** More is better. */
  readonly isLeast?: boolean;
}

export const holds = ({ value, isLeast = false }: Limit, figure: number): boolean => (isLeast ? figure >= value : figure <= value);

/** Null when Drover was not measured for this row. */
export function judge(row: RowDefinition, samples: Samples, cast: Cast): RowResult | null {
  const figures = (role: Role): Figures | null => {
    const contender = cast[role];
    const taken = contender === null ? [] : samples.of(row.measure, contender);
    if (contender === null || taken.length === 0) return null;
    return { contender, p5: quantile(taken, 0.05), p50: quantile(taken, 0.5), p95: quantile(taken, 0.95), samples: taken.length };
  };
  const drover = figures('drover');
  if (!drover) return null;
  const raw = figures('raw');
  const peer = figures('peer');
  const limits = row.must ? limitsOf(row.must, raw, peer) : [];
  const reached = limits.length === 0 ? null : limits.every((limit) => holds(limit, drover.p50));
  return { ...row, raw, drover, peer, limits, reached };
}

function limitsOf(must: Must, raw: Figures | null, peer: Figures | null): Limit[] {
  const { rawPlusMs, rawTimes, peerTimes, peerPerRaw, limit, atLeast } = must;
  const limits: Limit[] = [];
  if (limit !== undefined) limits.push({ value: limit, from: 'at most' });
  if (atLeast !== undefined) limits.push({ value: atLeast, from: 'at least', isLeast: true });
  if (raw && rawPlusMs !== undefined) limits.push({ value: raw.p50 + rawPlusMs, from: `${raw.contender} + ${rawPlusMs}` });
  if (raw && rawTimes !== undefined) limits.push({ value: raw.p50 * rawTimes, from: `${rawTimes} × ${raw.contender}` });
  if (peerTimes === undefined) return limits;
  const times = Number(peerTimes.toFixed(2));
  if (peer) limits.push({ value: peer.p50 * peerTimes, from: `${times} × ${peer.contender}` });
  else if (raw && peerPerRaw !== undefined)
    limits.push({ value: raw.p50 * peerPerRaw * peerTimes, from: `${times} × peer, taken as ${peerPerRaw} × raw` });
  return limits;
}
