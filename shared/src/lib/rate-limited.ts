import type { Clock } from './clock.ts';

const WINDOW_MS = 60_000;
const KINDS_MAX = 1_000;
/** Of all kinds together: whoever can invent senders could otherwise fill a disk with one line about each. */
const LINES_PER_WINDOW = 60;

/**
 * Hostile or broken senders may repeat themselves for ever: each kind of line at most once a minute, with how often it came,
 * and no more than sixty a minute of all kinds. What was left out is counted in the next line that is said.
 */
export function rateLimited(log: (line: string) => void, clock: Pick<Clock, 'now'>): (kind: string, line: string) => void {
  const kinds = new Map<string, { readonly untilMs: number; count: number }>();
  let window = { untilMs: Number.NEGATIVE_INFINITY, lines: 0 };
  let leftOut = 0;
  return (kind, line) => {
    const nowMs = clock.now();
    const known = kinds.get(kind);
    if (known && nowMs < known.untilMs) {
      known.count += 1;
      return;
    }
    if (nowMs >= window.untilMs) window = { untilMs: nowMs + WINDOW_MS, lines: 0 };
    if (window.lines >= LINES_PER_WINDOW) {
      leftOut += 1;
      return;
    }
    window.lines += 1;
    kinds.delete(kind);
    kinds.set(kind, { untilMs: nowMs + WINDOW_MS, count: 0 });
    const [oldest] = kinds.keys();
    if (kinds.size > KINDS_MAX && oldest !== undefined) kinds.delete(oldest);
    const more = known && known.count > 0 ? ` (and ${known.count} more like it)` : '';
    const others = leftOut > 0 ? ` (and ${leftOut} lines of other kinds were left out)` : '';
    leftOut = 0;
    log(`${line}${more}${others}`);
  };
}
