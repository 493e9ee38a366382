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

/** What happens at a step: `crash` ends the process as `kill -9` would; `hold` stops it there, until somebody lets it go on. */
type Doom = { readonly do: 'crash' | 'hold'; readonly at: number | RegExp };

/**
 * `DROVER_CRASH_AT=17` ends the process at its seventeenth step, `DROVER_CRASH_AT="commit, after"` at the first one whose name
 * that fits, as a regular expression. Later, lines on its standard input command it: `crash 17` (from now on), `hold 17`, `count` (begin anew),
 * `steps` (prints what was counted), `clock 3600000` (sets it ahead), `suffer full-disk` and `recover full-disk`, which
 * `suffered` hears of.
 */
export function createFuse(beforeDeath: () => void, suffered: (trouble: string) => void = () => {}): Fuse {
  let steps: string[] = [];
  let doom: Doom | null = process.env.DROVER_CRASH_AT ? { do: 'crash', at: placeOf(process.env.DROVER_CRASH_AT) } : null;
  const troubles = new Set<string>();
  const fuse: Fuse = {
    isAlive: true,
    aheadMs: 0,
    troubles,
    clock: { ...realClock, now: () => realClock.now() + fuse.aheadMs },
    point(label) {
      if (!COUNTS.test(label)) return;
      steps.push(label);
      if (!doom || (typeof doom.at === 'number' ? steps.length !== doom.at : !doom.at.test(label))) return;
      const { do: what } = doom;
      doom = null;
      if (what === 'hold') {
        writeSync(1, `held at step ${steps.length}: ${label}\n`);
        process.kill(process.pid, 'SIGSTOP');
        return;
      }
      beforeDeath();
      writeSync(1, `ended at step ${steps.length}: ${label}\n`);
      process.kill(process.pid, 'SIGKILL');
      // The signal may take a moment; nothing is done in it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  };
  const orders = createInterface({ input: process.stdin });
  // Whoever started it is no more.
  orders.on('close', () => process.exit(1));
  orders.on('line', (line) => {
    const [word = '', ...rest] = line.split(' ');
    const value = rest.join(' ');
    if (word === 'crash' || word === 'hold' || word === 'count') {
      steps = [];
      doom = word === 'count' ? null : { do: word, at: placeOf(value) };
    }
    if (word === 'clock') fuse.aheadMs = Number(value);
    if (word === 'recover') troubles.delete(value);
    if (word === 'suffer') {
      troubles.add(value);
      suffered(value);
    }
    process.stdout.write(word === 'steps' ? `steps ${JSON.stringify(steps)}\n` : `done ${line}\n`);
  });
  return fuse;
}

const placeOf = (text: string): number | RegExp => (/^\d+$/.test(text) ? Number(text) : new RegExp(text));
