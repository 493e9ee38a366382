import { Power } from '@drover/shared/model/guest';
import { z } from 'zod';
import type { PowerChoice } from './core/choice.ts';
import type { Disk } from './host/disk.ts';

const Paused = z.object({ reason: z.string(), sinceMs: z.number().int() });
export type Paused = z.infer<typeof Paused>;

const Made = z.object({
  paused: Paused.nullable(),
  /** The number of the last request for a guest's power. */
  requests: z.number().int().min(0),
  guests: z.record(
    z.string(),
    z.object({ power: Power, powerRequest: z.number().int(), number: z.number().int(), atMs: z.number().int() }),
  ),
});
type Made = z.infer<typeof Made>;

/** What people chose on the host itself, durably: they mean it also when the agent or the host starts anew meanwhile. */
export interface Choices {
  /** Null: the agent does its work. */
  paused(): Paused | null;
  pause(reason: string, nowMs: number): void;
  resume(): void;
  powerOf(guestId: string): PowerChoice | null;
  /** `powerRequest`: of the wish as it stands. */
  choosePower(guestId: string, wanted: { readonly power: Power; readonly powerRequest: number }, nowMs: number): void;
  /** Forgets what has been asked anew since, or whose guest is no more. */
  trim(isInForce: (guestId: string, choice: PowerChoice) => boolean): void;
}

const NONE: Made = { paused: null, requests: 0, guests: {} };

/** `path`: the file. One that cannot be read is set aside: what is wished for counts alone then, and `log` says so. */
export function createChoices(disk: Disk, path: string, log: (line: string) => void): Choices {
  let made = read(disk, path, log);

  function keep(next: Made) {
    disk.writeAtomically(path, `${JSON.stringify(next, null, 2)}\n`);
    made = next;
  }

  return {
    paused: () => made.paused,
    pause(reason, nowMs) {
      keep({ ...made, paused: { reason, sinceMs: made.paused?.sinceMs ?? nowMs } });
    },
    resume() {
      if (made.paused !== null) keep({ ...made, paused: null });
    },
    powerOf: (guestId) => made.guests[guestId] ?? null,
    choosePower(guestId, { power, powerRequest }, nowMs) {
      // Counted on from the time, so that none comes twice, should this file be lost.
      const number = Math.max(made.requests + 1, nowMs);
      keep({ ...made, requests: number, guests: { ...made.guests, [guestId]: { power, powerRequest, number, atMs: nowMs } } });
    },
    trim(isInForce) {
      const all = Object.entries(made.guests);
      const left = all.filter(([guestId, choice]) => isInForce(guestId, choice));
      if (left.length < all.length) keep({ ...made, guests: Object.fromEntries(left) });
    },
  };
}

/** For where nobody can choose anything, as on a simulated host. */
export const NO_CHOICES: Choices = {
  paused: () => null,
  pause() {},
  resume() {},
  powerOf: () => null,
  choosePower() {},
  trim() {},
};

function read(disk: Disk, path: string, log: (line: string) => void): Made {
  const text = disk.read(path);
  if (text === null) return NONE;
  try {
    return Made.parse(JSON.parse(text));
  } catch {
    disk.rename(path, `${path}.damaged`);
    log(`${path} is damaged and was set aside: the agent is not paused, and guests are as the control plane wishes`);
    return NONE;
  }
}
