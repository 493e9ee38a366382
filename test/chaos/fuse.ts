import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { realClock } from '@drover/shared/lib/clock';
import type { Life } from '../simulation/life.ts';

/** Steps that change something, or say something; looking at the world changes nothing that a crash could spoil. */
const COUNTS = /before|after|torn|unsynced|renamed/;

/** The life of a real process that counts its steps and can be told to end itself, as `kill -9` would, at one of them. */
export interface Fuse extends Life {
  /** How far this process's clock is ahead of the machine's. */
  aheadMs: number;
  /** What else this process was told to suffer from, such as `full-disk`. */
  readonly troubles: ReadonlySet<string>;
}

/**
 * `DROVER_CRASH_AT=17` ends the process at its seventeenth step. Later, lines on its standard input command it:
 * `arm 17` (from now on), `count` (begin anew), `steps` (prints what was counted), `clock 3600000` (sets it ahead),
 * `suffer full-disk` and `recover full-disk`, which `suffered` hears of.
 */
export function createFuse(beforeDeath: () => void, suffered: (trouble: string) => void = () => {}): Fuse {
  let steps: string[] = [];
  let crashAt = Number(process.env.DROVER_CRASH_AT ?? 0);
  const troubles = new Set<string>();
  const fuse: Fuse = {
    isAlive: true,
    aheadMs: 0,
    troubles,
    clock: { ...realClock, now: () => realClock.now() + fuse.aheadMs },
    point(label) {
      if (!COUNTS.test(label)) return;
      steps.push(label);
      if (steps.length !== crashAt) return;
      beforeDeath();
      writeSync(1, `ended at step ${crashAt}: ${label}\n`);
      process.kill(process.pid, 'SIGKILL');
      // The signal may take a moment; nothing is done in it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  };
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [word, value] = line.split(' ');
    if (word === 'arm' || word === 'count') {
      steps = [];
      crashAt = word === 'arm' ? Number(value) : 0;
    }
    if (word === 'clock') fuse.aheadMs = Number(value);
    if (word === 'recover') troubles.delete(value ?? '');
    if (word === 'suffer') {
      troubles.add(value ?? '');
      suffered(value ?? '');
    }
    process.stdout.write(word === 'steps' ? `steps ${JSON.stringify(steps)}\n` : `done ${line}\n`);
  });
  return fuse;
}
