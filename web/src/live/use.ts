import { realClock } from '@drover/shared/lib/clock';
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { type Collection, keyOf, type List, type One, type Query } from './collection.ts';
import { createLive, type Told } from './live.ts';
import type { Connection } from './stream.ts';

export const live = createLive(realClock);

const NOT_ASKED: One<never> = { view: null, missing: false, failed: false, problem: null };

/** One thing, for as long as the component is there. Null asks for nothing. */
export function useOne<V>(collection: Collection<V>, id: string | null): One<V> {
  const subscribe = useCallback((listener: () => void) => (id === null ? () => {} : collection.watchOne(id, listener)), [collection, id]);
  return useSyncExternalStore(subscribe, () => (id === null ? NOT_ASKED : collection.getOne(id)));
}

export function useList<V>(collection: Collection<V>, query: Query): List {
  const key = keyOf(query);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the query's content
  const subscribe = useCallback((listener: () => void) => collection.watchList(query, listener), [collection, key]);
  return useSyncExternalStore(subscribe, () => collection.getList(query));
}

/** The views of a list, for short lists that are shown whole. */
export function useViews<V>(collection: Collection<V>, query: Query): { list: List; views: readonly V[] } {
  const list = useList(collection, query);
  const subscribe = useCallback(
    (listener: () => void) => {
      const stops = list.ids.map((id) => collection.watchOne(id, listener));
      return () => stops.forEach((stop) => void stop());
    },
    [collection, list.ids],
  );
  const [steady] = useState(() => createSteady<V>());
  const views = useSyncExternalStore(subscribe, () => steady(list.ids.flatMap((id) => collection.getOne(id).view ?? [])));
  return { list, views };
}

/** Gives the same array again for as long as the same things are in it: React tells by that whether anything changed. */
function createSteady<V>(): (next: readonly V[]) => readonly V[] {
  let last: readonly V[] = [];
  return (next) => {
    if (next.length !== last.length || next.some((view, index) => view !== last[index])) last = next;
    return last;
  };
}

/** Live figures of a host, for as long as the component is there; null until the first came. */
export function useFigures(hostId: string): Told | null {
  const subscribe = useCallback((listener: () => void) => live.figures.watch(hostId, listener), [hostId]);
  return useSyncExternalStore(subscribe, () => live.figures.get(hostId));
}

export function useConnection(): Connection {
  return useSyncExternalStore(live.connection.watch, live.connection.get);
}

/** The time, anew every `stepMs` while the page is visible: for ages, which grow without anything being fetched. */
export function useNow(stepMs: number): number {
  const [now, setNow] = useState(() => realClock.now());
  useEffect(() => {
    let cancel = () => {};
    const tick = (): void => {
      setNow(realClock.now());
      cancel = realClock.after(stepMs, tick);
    };
    const onVisible = (): void => {
      cancel();
      if (document.visibilityState === 'visible') tick();
    };
    cancel = realClock.after(stepMs, tick);
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      cancel();
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [stepMs]);
  return now;
}
