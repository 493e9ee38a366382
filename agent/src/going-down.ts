import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { SHUTDOWN_TIMEOUT_S } from '@drover/shared/model/guest';
import type { Wish } from '@drover/shared/model/spec';
import { endingGroups } from './core/boot-order.ts';
import type { Drivers } from './drivers/drivers.ts';
import { placeOf } from './perform.ts';
import type { Wishes } from './wishes.ts';

export interface GoingDownPorts {
  readonly wishes: Wishes;
  readonly drivers: Drivers;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

const LOOK_MS = 200;
/** A guest that is still booting does not hear: it is asked again. */
const ASK_AGAIN_MS = 10_000;

/**
 * Ends all guests as the host goes down: in the reverse of the order in which they start, those of one order together, each with the time
 * that it is given. They come back with the host. Always comes to an end, after the longest of those times in each group.
 */
export async function endGuests(ports: GoingDownPorts): Promise<void> {
  await endGuestsOnce(ports);
  // What was just being started then runs now.
  await endGuestsOnce(ports);
}

async function endGuestsOnce(ports: GoingDownPorts): Promise<void> {
  const guests = ports.wishes.all('guest').map((wish) => ({ wish, startOrder: wish.spec.startOrder ?? null }));
  for (const group of endingGroups(guests)) await Promise.all(group.map(({ wish }) => endGuest(wish, ports)));
}

async function endGuest(wish: Wish<'guest'>, { wishes, drivers, clock, log }: GoingDownPorts): Promise<void> {
  const { name, shutdownTimeoutS = SHUTDOWN_TIMEOUT_S[wish.spec.type] } = wish.spec;
  const signal = new AbortController().signal;
  try {
    const { id, folder, type } = placeOf(wish, wishes);
    const driver = drivers.guests[type];
    const isRunning = async () => (await driver.observe(id, folder))?.running ?? false;
    if (!(await isRunning())) return;
    log(`shutting ${name} down: the host goes down`);
    const beganAtMs = clock.now();
    for (let askedAtMs = Number.NEGATIVE_INFINITY; await isRunning(); await clock.sleep(LOOK_MS)) {
      const nowMs = clock.now();
      // Also when the clock was set back meanwhile.
      if (nowMs - beganAtMs >= shutdownTimeoutS * 1_000 || nowMs < beganAtMs) {
        log(`${name} did not shut down within ${shutdownTimeoutS} s: it is stopped`);
        await driver.stop(id, folder, signal, 'host');
        return;
      }
      if (nowMs - askedAtMs < ASK_AGAIN_MS) continue;
      askedAtMs = nowMs;
      await driver.shutdown(id, folder, signal, 'host').catch((thrown: unknown) => log(`${name}: ${Problem.from(thrown).message}`));
    }
    log(`${name} is down`);
  } catch (thrown) {
    // The others are not to suffer for it; systemd ends this one with its unit.
    log(`${name} could not be ended in order: ${Problem.from(thrown).message}`);
  }
}
