import type { Fuse } from './fuse.ts';

const LATE_MS = 3_000;
/** One after another of them comes so much later, up to a minute: the next one may overtake it by that. */
const VERY_LATE_MS = 17_000;
export const LATEST_MS = 60_000;

/** What a way between two may do to messages: say them twice, in another order, late. Settles once the message is handed on. */
export type Deliver = (send: () => Promise<void> | void) => Promise<void>;

export function unruly({ troubles, clock }: Fuse): Deliver {
  let held: (() => void) | null = null;
  let sent = 0;
  return async (send) => {
    if (troubles.has('late-messages')) await clock.sleep(LATE_MS);
    if (troubles.has('very-late-messages')) {
      sent += 1;
      await clock.sleep((sent * VERY_LATE_MS) % LATEST_MS);
    }
    if (troubles.has('reordered-messages') && !held) {
      // Kept back until another one has overtaken it.
      await new Promise<void>((resolve) => {
        held = resolve;
        clock.after(LATE_MS, resolve);
      });
    }
    await send();
    held?.();
    held = null;
    if (troubles.has('doubled-messages')) await send();
  };
}
