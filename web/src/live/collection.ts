import type { Page } from '@drover/shared/api/views';
import type { Clock } from '@drover/shared/lib/clock';
import type { ProblemView } from '@drover/shared/lib/problem';
import { problemOf } from '../api.ts';

/** A thing as last fetched. `view` is null until it is there; `missing` when the control plane knows no such thing. */
export interface One<V> {
  readonly view: V | null;
  readonly missing: boolean;
  readonly failed: boolean;
  readonly problem: ProblemView | null;
}

/** A list's ids in the server's order, as far as loaded. */
export interface List {
  readonly ids: readonly string[];
  readonly total: number;
  readonly hasMore: boolean;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly problem: ProblemView | null;
}

export type Query = Readonly<Record<string, string>>;

export interface Source<V> {
  readonly idOf: (view: V) => string;
  /** Null: there is no such thing. */
  readonly one: (id: string) => Promise<V | null>;
  readonly page: (query: Query, after: string | null, limit: number) => Promise<Page<V>>;
  /** Would the server's answer to this query hold this thing? Decides when a list must be fetched again. */
  readonly matches: (query: Query, view: V) => boolean;
}

interface Entry<V> {
  one: One<V>;
  /** Requests are numbered. The one that this view came from: an answer to an older request never replaces it. */
  askedAs: number;
  /** The newest request when it was last said to have changed: an answer to that one or an older one may be out of date. */
  changedAfter: number;
  loading: boolean;
}

interface ListEntry {
  readonly query: Query;
  list: List;
  next: string | null;
  stale: boolean;
  loading: boolean;
}

const PAGE_LIMIT = 100;
const REFETCH_LIMIT_MAX = 1_000;
/** Changes are gathered this long, so that a burst costs one round of requests; the rounds of a storm lie further apart. */
const GATHER_MS = 60;
const GATHER_IN_STORM_MS = 500;
const CALM_AFTER_MS = 1_000;
/** Up to so many changed things are fetched one by one; more, and the lists are fetched again instead. */
const SINGLES_MAX = 8;

const NOTHING: One<never> = { view: null, missing: false, failed: false, problem: null };
const EMPTY_LIST: List = { ids: [], total: 0, hasMore: false, state: 'loading', problem: null };

export const keyOf = (query: Query): string => `?${new URLSearchParams(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)))}`;

export type Collection<V> = ReturnType<typeof createCollection<V>>;

/**
 * Everything of one kind that the page has seen, kept true by pointers to what changed. Only what somebody looks at is fetched,
 * each thing by at most one request at a time; the rest is marked and fetched when it is looked at again.
 */
export function createCollection<V>(source: Source<V>, clock: Clock) {
  const entries = new Map<string, Entry<V>>();
  const lists = new Map<string, ListEntry>();
  const listeners = new Map<string, Set<() => void>>();
  const changed = new Set<string>();
  let gathering = false;
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let asked = 0;

  const isStale = (entry: Entry<V>): boolean => entry.askedAs <= entry.changedAfter;
  const isWatched = (key: string): boolean => (listeners.get(key)?.size ?? 0) > 0;
  const tell = (key: string): void => listeners.get(key)?.forEach((listener) => void listener());
  const watchedLists = (): ListEntry[] => [...lists].filter(([key]) => isWatched(key)).map(([, entry]) => entry);

  function entryOf(id: string): Entry<V> {
    let entry = entries.get(id);
    if (entry === undefined) {
      entry = { one: NOTHING, askedAs: 0, changedAfter: 0, loading: false };
      entries.set(id, entry);
    }
    return entry;
  }

  function listOf(query: Query): ListEntry {
    const key = keyOf(query);
    let entry = lists.get(key);
    if (entry === undefined) {
      entry = { query, list: EMPTY_LIST, next: null, stale: true, loading: false };
      lists.set(key, entry);
    }
    return entry;
  }

  function setOne(id: string, askedAs: number, view: V | null): void {
    const entry = entryOf(id);
    if (askedAs < entry.askedAs) return;
    entry.askedAs = askedAs;
    entry.one = { view, missing: view === null, failed: false, problem: null };
    tell(id);
  }

  function setList(entry: ListEntry, list: Partial<List>): void {
    entry.list = { ...entry.list, ...list };
    tell(keyOf(entry.query));
  }

  async function loadOne(id: string): Promise<void> {
    const entry = entryOf(id);
    if (entry.loading) return; // the running request's end sees that it is stale and goes once more
    entry.loading = true;
    while (isStale(entry)) {
      const before = entry.one.view;
      const askedAs = ++asked;
      try {
        const view = await source.one(id);
        if (view === null) forget(id);
        else {
          setOne(id, askedAs, view);
          settleLists(id, before, view);
        }
      } catch (error) {
        entry.one = { ...entry.one, failed: true, problem: problemOf(error) };
        tell(id);
        break;
      }
    }
    entry.loading = false;
  }

  /** A fetched thing may have entered or left a list. Its place in the order is the server's to say, so the list is fetched again. */
  function settleLists(id: string, before: V | null, view: V): void {
    for (const entry of watchedLists()) {
      const isThere = entry.list.ids.includes(id);
      const belongs = source.matches(entry.query, view);
      const isFurtherDown = belongs && !isThere && entry.list.hasMore && before !== null && source.matches(entry.query, before);
      if (belongs !== isThere && !isFurtherDown) void loadList(entry);
    }
  }

  async function loadList(entry: ListEntry): Promise<void> {
    entry.stale = true;
    if (entry.loading) return;
    entry.loading = true;
    while (entry.stale) {
      entry.stale = false;
      try {
        await loadPages(entry, Math.max(entry.list.ids.length, PAGE_LIMIT));
      } catch (error) {
        setList(entry, { state: 'failed', problem: problemOf(error) });
        break;
      }
    }
    entry.loading = false;
  }

  /** As many as are shown already, so that a list keeps its length under the reader's thumb. */
  async function loadPages(entry: ListEntry, count: number): Promise<void> {
    const ids: string[] = [];
    let after: string | null = null;
    let total = 0;
    do {
      const askedAs = ++asked;
      const page: Page<V> = await source.page(entry.query, after, Math.min(count - ids.length, REFETCH_LIMIT_MAX));
      ids.push(...absorb(page.items, askedAs));
      after = page.next;
      total = page.total;
    } while (after !== null && ids.length < count);
    entry.next = after;
    setList(entry, { ids, total, hasMore: after !== null, state: 'ready', problem: null });
  }

  function absorb(views: readonly V[], askedAs: number): string[] {
    return views.map((view) => {
      const id = source.idOf(view);
      setOne(id, askedAs, view);
      return id;
    });
  }

  function forget(id: string): void {
    setOne(id, ++asked, null);
    for (const entry of lists.values()) {
      if (!entry.list.ids.includes(id)) continue;
      setList(entry, { ids: entry.list.ids.filter((other) => other !== id), total: Math.max(0, entry.list.total - 1) });
    }
  }

  function noteChange(id: string): void {
    const entry = entries.get(id);
    if (entry !== undefined) entry.changedAfter = asked;
    changed.add(id);
    if (gathering) return;
    gathering = true;
    const isStorm = clock.now() - fetchedAtMs < CALM_AFTER_MS;
    clock.after(isStorm ? GATHER_IN_STORM_MS : GATHER_MS, fetchChanged);
  }

  function fetchChanged(): void {
    gathering = false;
    fetchedAtMs = clock.now();
    const watched = watchedLists();
    const isListed = (id: string): boolean => watched.some((entry) => entry.list.ids.includes(id));
    const areWhole = watched.every((entry) => Object.keys(entry.query).length === 0);
    // Not looked at, and no list can lose it: it is fetched when its row scrolls into view.
    const canWait = (id: string): boolean => !isWatched(id) && (watched.length === 0 || (areWhole && isListed(id)));
    const wanted = [...changed].filter((id) => !canWait(id));
    changed.clear();
    if (wanted.length <= SINGLES_MAX) {
      for (const id of wanted) void loadOne(id);
      return;
    }
    for (const entry of watched) void loadList(entry);
    for (const id of wanted) if (isWatched(id) && !isListed(id)) void loadOne(id);
  }

  function watch(key: string, listener: () => void): () => void {
    const set = listeners.get(key) ?? new Set();
    listeners.set(key, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0) listeners.delete(key);
    };
  }

  return {
    getOne: (id: string): One<V> => entries.get(id)?.one ?? NOTHING,
    getList: (query: Query): List => lists.get(keyOf(query))?.list ?? EMPTY_LIST,

    watchOne(id: string, listener: () => void): () => void {
      const stop = watch(id, listener);
      if (isStale(entryOf(id))) void loadOne(id);
      return stop;
    },

    watchList(query: Query, listener: () => void): () => void {
      const entry = listOf(query);
      const stop = watch(keyOf(query), listener);
      if (entry.stale) void loadList(entry);
      return () => {
        stop();
        // Nobody keeps it true from here on.
        if (!isWatched(keyOf(query))) entry.stale = true;
      };
    },

    async loadMore(query: Query): Promise<void> {
      const entry = listOf(query);
      if (entry.next === null || entry.loading) return;
      entry.loading = true;
      const askedAs = ++asked;
      try {
        const page = await source.page(entry.query, entry.next, PAGE_LIMIT * 2);
        const known = new Set(entry.list.ids);
        const ids = absorb(page.items, askedAs).filter((id) => !known.has(id));
        entry.next = page.next;
        setList(entry, { ids: [...entry.list.ids, ...ids], total: page.total, hasMore: page.next !== null });
      } catch (error) {
        setList(entry, { state: 'failed', problem: problemOf(error) });
      }
      entry.loading = false;
      if (entry.stale) void loadList(entry);
    },

    /** Something about this thing is not as it was. */
    change(id: string, gone: boolean): void {
      if (gone) forget(id);
      else noteChange(id);
    },

    /** Things that are said to have changed together with another: those that fit. */
    changeWhere(fits: (view: V) => boolean): void {
      for (const [id, { one }] of entries) if (one.view !== null && fits(one.view)) noteChange(id);
    },

    /** To be called when a write is sent: its answer is as old as this number says. */
    ask: (): number => ++asked,

    /** The control plane's answer to a write. */
    put(askedAs: number, view: V): void {
      const id = source.idOf(view);
      const before = entryOf(id).one.view;
      setOne(id, askedAs, view);
      settleLists(id, before, view);
    },

    /** What could not be fetched is worth another attempt: somebody asks for it, or the connection is back. */
    recover(): void {
      for (const entry of watchedLists()) {
        if (entry.list.state !== 'failed') continue;
        setList(entry, { state: 'loading', problem: null });
        void loadList(entry);
      }
      for (const [id, entry] of entries) {
        if (!entry.one.failed || !isWatched(id)) continue;
        entry.one = { ...entry.one, failed: false, problem: null };
        tell(id);
        void loadOne(id);
      }
    },

    /** What was missed is not known: fetch again what is looked at, mark the rest. */
    reset(): void {
      for (const entry of entries.values()) entry.changedAfter = asked;
      for (const entry of lists.values()) entry.stale = true;
      const watched = watchedLists();
      const listed = new Set(watched.flatMap((entry) => entry.list.ids));
      for (const entry of watched) void loadList(entry);
      for (const id of entries.keys()) if (isWatched(id) && !listed.has(id)) void loadOne(id);
    },
  };
}
