/** The value below which this share of the samples lies (nearest rank). */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** How long `act` takes, in ms. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const begunAtMs = performance.now();
  await act();
  return performance.now() - begunAtMs;
}

/** Samples by measure and contender, as they are taken. */
export class Samples {
  private readonly taken = new Map<string, number[]>();

  add(measure: string, contender: string, value: number): void {
    const key = `${measure}\n${contender}`;
    const samples = this.taken.get(key);
    if (samples) samples.push(value);
    else this.taken.set(key, [value]);
  }

  of(measure: string, contender: string): readonly number[] {
    return this.taken.get(`${measure}\n${contender}`) ?? [];
  }
}
