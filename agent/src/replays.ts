/**
 * Knows commands that were captured and are played back later. Within one connection commands may overtake each other, and
 * generations tell the newer one; but none that was sent before the newest one of an earlier connection is taken any more, also
 * of things that the journal has forgotten since, and whatever this host's clock says.
 */
export interface Replays {
  /** A new connection: what was sent over an earlier one comes no more, but from somebody who kept it. */
  connected(): void;
  isReplay(counter: number): boolean;
  taken(counter: number): void;
  newest(): number;
}

export function createReplays(newestJournalled: number): Replays {
  let floor = newestJournalled;
  let newest = newestJournalled;
  return {
    connected() {
      floor = newest;
    },
    isReplay: (counter) => counter <= floor,
    taken(counter) {
      newest = Math.max(newest, counter);
    },
    newest: () => newest,
  };
}
