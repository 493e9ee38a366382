import type { Clock } from '@drover/shared/lib/clock';

/** For the operator: one line. */
export type Log = (line: string) => void;

/** Hostile or broken senders may repeat themselves for ever: each kind of line at most once a minute, with how often it came. */
export function rateLimited(log: Log, clock: Clock): (kind: string, line: string) => void {
  const kinds = new Map<string, { untilMs: number; count: number }>();
  return (kind, line) => {
    const nowMs = clock.now();
    const known = kinds.get(kind);
    if (known && nowMs < known.untilMs) {
      known.count += 1;
      return;
    }
    if (kinds.size > 1_000) kinds.clear();
    kinds.set(kind, { untilMs: nowMs + 60_000, count: 0 });
    log(known && known.count > 0 ? `${line} (and ${known.count} more like it)` : line);
  };
}
