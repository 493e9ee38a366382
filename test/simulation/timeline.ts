/** 2026-01-01, so that no date looks odd. */
export const START_MS = 1_767_225_600_000;

interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** The one queue of events, and with it time itself: it passes only between two events. */
export class Timeline {
  readonly #heap: Happening[] = [];
  #order = 0;
  #live = 0;
  nowMs: number;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  /** Events that are still to come. */
  get pending(): number {
    return this.#live;
  }

  /** When the next one comes, at the earliest. */
  get nextAtMs(): number {
    return this.#heap[0]?.atMs ?? this.nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const happening: Happening = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order, run, cancelled: false };
    this.#order += 1;
    this.#live += 1;
    push(this.#heap, happening);
    return () => {
      if (happening.cancelled) return;
      happening.cancelled = true;
      this.#live -= 1;
    };
  }

  /** Runs the earliest event and all that follows from it at once; false when there is none before `untilMs`. */
  async step(untilMs: number): Promise<boolean> {
    for (;;) {
      const first = this.#heap[0];
      if (!first || first.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return false;
      }
      pop(this.#heap);
      if (first.cancelled) continue;
      first.cancelled = true;
      this.#live -= 1;
      this.nowMs = first.atMs;
      first.run();
      await quiet();
      return true;
    }
  }
}

/**
 * Settles once no promise has anything left to do. Node calls back here only when its queue of promise jobs is empty,
 * those that were added meanwhile included; so nothing depends on how many turns a chain of promises takes.
 */
export function quiet(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

const isBefore = (a: Happening, b: Happening): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function push(heap: Happening[], added: Happening): void {
  let at = heap.length;
  heap.push(added);
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (!parent || !isBefore(added, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = added;
}

function pop(heap: Happening[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let childAt = 2 * at + 1;
    const right = heap[childAt + 1];
    let child = heap[childAt];
    if (!child) break;
    if (right && isBefore(right, child)) {
      child = right;
      childAt += 1;
    }
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = last;
}
