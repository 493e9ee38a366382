import type { Chance } from './chance.ts';
import type { Weather } from './machine.ts';

/** How rough the world is; a seed draws these, and `calm` is what is left once everything is healed. */
export interface Roughness {
  /** Of operations on hosts. */
  readonly failing: number;
  readonly hanging: number;
  readonly slow: number;
  /** Of guests: the chance that a run is ended by itself. */
  readonly ownEnds: number;
  readonly deafToShutdown: number;
  readonly lostNotices: number;
}

export const CALM: Roughness = { failing: 0, hanging: 0, slow: 0, ownEnds: 0, deafToShutdown: 0, lostNotices: 0 };

/** More failures in a row than this would be given up on for an hour, which no simulated run has time for. */
const STREAK_MAX = 3;

/** The weather on one host. It can be calmed, and then even what hangs goes on. */
export class HostWeather implements Weather {
  roughness: Roughness;
  /** What always fails, however calm it is. */
  readonly poisoned = new Set<string>();
  onPoison: (subject: string) => void = () => {};
  readonly #streaks = new Map<string, number>();

  constructor(
    private readonly chance: Chance,
    roughness: Roughness,
  ) {
    this.roughness = roughness;
  }

  get isCalm(): boolean {
    return this.roughness === CALM;
  }

  delayMs(operation: string): number {
    const { chance } = this;
    if (/^(look|list|observe|measure|attach|release|register|unregister)/.test(operation))
      return chance.happens(0.3) ? chance.between(1, 15) : 0;
    if (operation === 'lease') return chance.between(200, 1_500);
    if (chance.happens(this.roughness.slow)) return chance.between(5_000, 40_000);
    return operation === 'make image' ? chance.between(200, 2_500) : chance.between(5, 900);
  }

  fate(_operation: string, subject: string): 'well' | 'fails' | 'fails-halfway' | 'hangs' {
    const { chance, roughness } = this;
    const about = subject.split(' ').at(-1) ?? subject;
    if (this.poisoned.has(about)) {
      this.onPoison(about);
      return 'fails';
    }
    const drawn = chance.fraction();
    const streak = this.#streaks.get(about) ?? 0;
    if (streak < STREAK_MAX && drawn < roughness.failing + roughness.hanging) {
      this.#streaks.set(about, streak + 1);
      if (drawn >= roughness.failing) return 'hangs';
      return chance.happens(0.5) ? 'fails' : 'fails-halfway';
    }
    this.#streaks.delete(about);
    return 'well';
  }

  ownEnd(): { how: 'self' | 'crash'; afterMs: number } | null {
    const { chance } = this;
    if (!chance.happens(this.roughness.ownEnds)) return null;
    return { how: chance.pick(['self', 'crash']), afterMs: chance.between(500, 60_000) };
  }

  shutdownMs(): number | null {
    return this.chance.happens(this.roughness.deafToShutdown) ? null : this.chance.between(300, 15_000);
  }

  losesNotice(): boolean {
    return this.chance.happens(this.roughness.lostNotices);
  }

  keepsUnflushed(): boolean {
    return this.chance.happens(0.5);
  }
}

/** A kind host, for development: it takes the time that people are used to, and nothing goes wrong. */
export const fairWeather = (chance: Chance): Weather => ({
  isCalm: true,
  delayMs(operation) {
    if (operation === 'lease') return chance.between(400, 1_200);
    if (operation.startsWith('start')) return chance.between(300, 700);
    if (operation === 'make image') return chance.between(700, 1_300);
    return 0;
  },
  fate: () => 'well',
  ownEnd: () => null,
  shutdownMs: () => chance.between(800, 2_000),
  losesNotice: () => false,
  keepsUnflushed: () => true,
});
