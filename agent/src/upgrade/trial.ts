import { z } from 'zod';
import type { Drivers } from '../drivers/drivers.ts';
import { observeGuest } from '../observe.ts';
import type { Wishes } from '../wishes.ts';

/** What an agent leaves to the one that takes its place. */
export const Before = z.object({
  /** When it saw this, by the host's clock. */
  atMs: z.number(),
  /** Guests that ran. */
  running: z.array(z.number().int()),
});
export type Before = z.infer<typeof Before>;

/** A new agent has to show that it gets on; until it has, it does nothing, and after a minute the one before it is brought back. */
export interface Trial {
  isOn(): boolean;
  before(): Before;
  pass(): void;
}

export const NO_TRIAL: Trial = { isOn: () => false, before: () => ({ atMs: 0, running: [] }), pass() {} };

/** Does it see each guest run that ran before? One that would not would start it a second time. A guest may have ended by itself since. */
export async function isFitToGoOn(trial: Trial, wishes: Wishes, drivers: Drivers): Promise<boolean> {
  const { atMs, running } = trial.before();
  for (const id of running) {
    const wish = wishes.get('guest', String(id));
    if (!wish) return false;
    const { status } = await observeGuest(wish, wishes, drivers);
    const hasEndedSince = status.power === 'stopped' && (status.endedAtMs ?? 0) > atMs;
    if (status.power !== 'running' && !hasEndedSince) return false;
  }
  return true;
}
