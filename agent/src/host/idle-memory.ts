import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '@drover/shared/lib/clock';

const LOOK_MS = 20_000;
/** Less of a core than this is idling: heartbeats and the looks at guests. */
const IDLE_SHARE = 0.02;
/** A collection takes some 20 ms: it must be worth that. */
const GARBAGE_BYTES = 8 * 2 ** 20;

/** V8 collects while memory is asked for, so an agent that idles after a busy moment would keep that moment's garbage until the next. */
export function collectWhenIdle(clock: Clock): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let usedMs = cpuMs();
  let sinceMs = clock.now();
  let floorBytes = 0;
  clock.after(LOOK_MS, look);

  function look(): void {
    const share = (cpuMs() - usedMs) / Math.max(1, clock.now() - sinceMs);
    if (share < IDLE_SHARE && process.memoryUsage().heapUsed > floorBytes + GARBAGE_BYTES) {
      collect();
      floorBytes = process.memoryUsage().heapUsed;
    }
    usedMs = cpuMs();
    sinceMs = clock.now();
    clock.after(LOOK_MS, look);
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
