import type { Chance } from './chance.ts';
import { CALM, HostWeather } from './weather.ts';

/** No chance at all: what is likely happens, what is not does not; ids count up. So a story changes only where it means to. */
export function createSteadyChance(): Chance {
  let texts = 0;
  const chance: Chance = {
    fraction: () => 0.5,
    text(length) {
      texts += 1;
      return String(texts).padStart(length, '0');
    },
    happens: (probability) => probability > 0.5,
    between: (from, to) => Math.floor((from + to) / 2),
    pick<T>([first]: readonly T[]): T {
      if (first === undefined) throw new Error('nothing to pick from');
      return first;
    },
    fork: () => chance,
  };
  return chance;
}

/** A host on which everything takes the time that it always takes, and goes well but for what always fails. */
export class SteadyWeather extends HostWeather {
  constructor() {
    super(createSteadyChance(), CALM);
  }

  override delayMs(operation: string): number {
    if (operation === 'run') return 5_000;
    if (/^(start|shut|stop|reboot|make image|create|define|remove)/.test(operation)) return 500;
    return operation === 'lease' ? 1_000 : 0;
  }

  override keepsUnflushed(): boolean {
    return true;
  }
}
