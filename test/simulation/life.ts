import { type Clock, realClock } from '@drover/shared/lib/clock';
import { START_MS, type Timeline } from './timeline.ts';

/** One life of a process, from its start to its end or crash. What it waits for never comes once it is dead. */
export interface Life {
  readonly isAlive: boolean;
  readonly clock: Clock;
  /** A place where a crash may strike. */
  point(label: string): void;
}

/** A life in real time that nothing ends. */
export const realLife: Life = { isAlive: true, clock: realClock, point() {} };

/** The clock of one machine: it may be wrong, go too fast or too slowly, and be set while somebody looks at it. */
export class WallClock {
  constructor(
    /** How much of its own time passes in a second. */
    readonly rate = 1,
    private aheadMs = 0,
  ) {}

  read(nowMs: number): number {
    return Math.floor(START_MS + (nowMs - START_MS) * this.rate + this.aheadMs);
  }

  jump(byMs: number): void {
    this.aheadMs += byMs;
  }
}

/** A life in simulated time that can be ended at any of the places it passes. */
export class MortalLife implements Life {
  isAlive = true;
  readonly bornAtMs: number;
  readonly clock: Clock;
  #fuse: { at: number | string; burnt: (label: string) => void } | null = null;

  /** `wallClock`: what time its machine believes it is. */
  constructor(timeline: Timeline, wallClock: WallClock = new WallClock()) {
    this.bornAtMs = timeline.nowMs;
    const after = (delayMs: number, run: () => void) =>
      timeline.after(Math.round(delayMs / wallClock.rate), () => {
        if (this.isAlive) run();
      });
    this.clock = {
      now: () => wallClock.read(timeline.nowMs),
      after,
      sleep: (delayMs, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const cancel = after(delayMs, () => {
            signal?.removeEventListener('abort', aborted);
            resolve();
          });
          function aborted() {
            cancel();
            reject(signal?.reason);
          }
          signal?.addEventListener('abort', aborted, { once: true });
        }),
    };
  }

  /** It shall die at this place, or at so many places from now. */
  light(at: number | string, burnt: (label: string) => void): void {
    if (this.isAlive) this.#fuse = { at, burnt };
  }

  point(label: string): void {
    if (!this.isAlive || !this.#fuse) return;
    if (typeof this.#fuse.at === 'number') this.#fuse.at -= 1;
    if (this.#fuse.at !== label && this.#fuse.at !== 0) return;
    const { burnt } = this.#fuse;
    this.#fuse = null;
    this.isAlive = false;
    burnt(label);
  }

  end(): void {
    this.isAlive = false;
    this.#fuse = null;
  }
}

/** For the one who waits for a dead process: nothing ever comes. */
export const never = (): Promise<never> => new Promise(() => {});
