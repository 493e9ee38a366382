import type { Clock } from '@drover/shared/lib/clock';
import type { Store } from './store.ts';

const LOOK_MS = 500;

/** Tells live streams also of what other processes wrote into the same database. */
export function followingOthers(store: Store, clock: Clock): { readonly store: Store; stop(): void } {
  const listeners = new Set<() => void>();
  let newest: number | null = null;
  let cancel = (): void => {};
  let stopped = false;
  const tell = (): void => {
    for (const notify of listeners) notify();
  };

  async function look(): Promise<void> {
    const before = newest;
    newest = (await store.eventRange()).newest;
    if (before !== null && newest > before) tell();
  }
  function next(): void {
    cancel = clock.after(LOOK_MS, () => {
      look()
        .catch(() => {
          // The database is away: whoever asks for something is told so.
        })
        .finally(() => {
          if (!stopped) next();
        });
    });
  }
  next();
  const stopOwn = store.onEvents(tell);
  return {
    store: {
      ...store,
      onEvents(notify) {
        listeners.add(notify);
        return () => void listeners.delete(notify);
      },
    },
    stop() {
      stopped = true;
      cancel();
      stopOwn();
    },
  };
}
