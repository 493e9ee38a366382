import type { z } from 'zod';
import { Figures } from '../model/figures.ts';
import { Hardware } from '../model/hardware.ts';
import { ResourceStatus } from '../model/resource.ts';
import { Gone, LogLine, MESSAGE_BYTES_MAX, Refusal, Report } from './message.ts';

/** What came of bytes that a host is said to have sent. */
export interface ReadReport {
  readonly report: Report;
  /** Statuses, lines, refusals and the like that were left out, because they are not understood: of a newer agent, perhaps. */
  readonly dropped: number;
}

/** A report, read leniently: unknown fields are dropped, and so is each item of a list that is not understood, not the whole. Null: it is no report. */
export function readReport(bytes: Uint8Array): ReadReport | null {
  const body = jsonOf(bytes);
  const whole = Report.safeParse(body);
  if (whole.success) return { report: whole.data, dropped: 0 };
  if (typeof body !== 'object' || body === null) return null;
  const members = new Map<string, unknown>(Object.entries(body));
  let dropped = 0;
  for (const [name, schema] of LISTS) {
    const list = members.get(name);
    if (!Array.isArray(list)) continue;
    const understood = list.filter((item) => schema.safeParse(item).success);
    dropped += list.length - understood.length;
    members.set(name, understood);
  }
  for (const [name, schema] of EXTRAS) {
    if (!members.has(name) || schema.safeParse(members.get(name)).success) continue;
    members.delete(name);
    dropped += 1;
  }
  const rest = Report.safeParse(Object.fromEntries(members));
  return rest.success ? { report: rest.data, dropped } : null;
}

export function readGone(bytes: Uint8Array): Gone | null {
  const parsed = Gone.safeParse(jsonOf(bytes));
  return parsed.success ? parsed.data : null;
}

const LISTS: readonly (readonly [string, z.ZodType])[] = [
  ['statuses', ResourceStatus],
  ['log', LogLine],
  ['refused', Refusal],
];

/** What nothing rests on: a report is as good without it. */
const EXTRAS: readonly (readonly [string, z.ZodType])[] = [
  ['hardware', Hardware],
  ['figures', Figures],
];

function jsonOf(bytes: Uint8Array): unknown {
  if (bytes.length > MESSAGE_BYTES_MAX) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // No JSON, so no message of ours.
    return null;
  }
}
