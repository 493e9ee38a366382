import type { Clock } from '@drover/shared/lib/clock';
import type { Figures, HostFigures } from '@drover/shared/model/figures';
import type { Drivers } from './drivers/drivers.ts';
import type { GuestGauge } from './drivers/guest/driver.ts';
import type { Gauges } from './host/figures/look.ts';
import type { Reporter } from './reporter.ts';
import type { Wishes } from './wishes.ts';

const EVERY_MS = 30_000;
/** Rates need a look before: the first figures of a connection come soon after it begins. */
const FIRST_MS = 3_000;
/** A report has room for these. */
const GUESTS_MAX = 400;

export interface FiguresPorts {
  readonly gauges: Gauges;
  readonly wishes: Wishes;
  readonly drivers: Drivers;
  readonly reporter: Pick<Reporter, 'figures'>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** Measures while there is somebody to tell: old figures are worth nothing, so nothing is kept or sent later. */
export interface FiguresTeller {
  connected(): void;
  disconnected(): void;
}

export function createFiguresTeller({ gauges, wishes, drivers, reporter, clock, log }: FiguresPorts): FiguresTeller {
  let cancel = (): void => {};
  /** Grows with each connection: what an earlier one began is not said in this one. */
  let connection = 0;

  async function tell(during: number): Promise<void> {
    const storages = await storagesOf(wishes);
    const guests = guestsOf(wishes, drivers);
    const seen = gauges.look(guests.slice(0, GUESTS_MAX));
    const figures: Figures = {
      atMs: clock.now(),
      host: { ...seen.host, ...(storages.length === 0 ? {} : { storages }) },
      guests: seen.guests,
      ...(guests.length > GUESTS_MAX ? { guestsAreCut: true } : {}),
    };
    if (during === connection) reporter.figures(figures);
  }

  function next(delayMs: number, during: number): void {
    cancel = clock.after(delayMs, () => {
      tell(during)
        .catch((thrown: unknown) => log(`cannot measure the host: ${String(thrown)}`))
        .finally(() => {
          if (during === connection) next(EVERY_MS, during);
        });
    });
  }

  return {
    connected() {
      cancel();
      connection += 1;
      gauges.look(guestsOf(wishes, drivers).slice(0, GUESTS_MAX));
      next(FIRST_MS, connection);
    },
    disconnected() {
      cancel();
      connection += 1;
    },
  };
}

function guestsOf(wishes: Wishes, drivers: Drivers): GuestGauge[] {
  return wishes.all('guest').flatMap(({ id, spec }) => drivers.guests[spec.type].gauge?.(Number(id)) ?? []);
}

async function storagesOf(wishes: Wishes): Promise<NonNullable<HostFigures['storages']>> {
  const found: NonNullable<HostFigures['storages']> = [];
  for (const { id, spec } of wishes.all('storage')) {
    const storage = wishes.findStorage(id);
    if (!storage || !(await storage.ready())) continue;
    const { totalBytes, freeBytes } = await storage.capacity();
    found.push({ id, name: spec.name, totalBytes, usedBytes: Math.max(0, totalBytes - freeBytes) });
  }
  return found;
}
