import { type BrokerKind, Fleet } from './fleet.ts';

export interface Errand<T> {
  readonly broker: BrokerKind;
  run(fleet: Fleet): Promise<T>;
}

/** Carries errands out, several at once, each alone in its fleet; fleets are used again unless something went wrong in them. */
export async function inFleets<T>(errands: readonly Errand<T>[], fleets: number, done: (result: T) => void = () => {}): Promise<T[]> {
  const results: T[] = [];
  const waiting = [...errands.entries()];
  async function work(): Promise<void> {
    let fleet: Fleet | null = null;
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, errand] = next;
        if (fleet && (fleet.isSpoilt || fleet.kind !== errand.broker)) {
          await fleet.close();
          fleet = null;
        }
        fleet ??= await Fleet.start(errand.broker);
        const result = await errand.run(fleet);
        results[index] = result;
        done(result);
      }
    } finally {
      // Should one fail, so has the whole: the others need not begin anything more.
      waiting.length = 0;
      await fleet?.close();
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: fleets }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}
