import type { HostFiguresView } from '@drover/shared/api/host-views';
import type { ChangeEvent, GuestView, HostView, ImageView, NetworkView, Page, StorageView, TaskView } from '@drover/shared/api/views';
import type { Clock } from '@drover/shared/lib/clock';
import { call, queryOf, Refusal } from '../api.ts';
import { type Collection, createCollection, type Query, type Source } from './collection.ts';
import { guestMatches, taskMatches } from './matches.ts';
import { type Connection, openStream, type Stream } from './stream.ts';

export interface Live {
  readonly guest: Collection<GuestView>;
  readonly host: Collection<HostView>;
  readonly image: Collection<ImageView>;
  readonly storage: Collection<StorageView>;
  readonly network: Collection<NetworkView>;
  readonly task: Collection<TaskView>;
  readonly connection: { get(): Connection; watch(listener: () => void): () => void };
  /** Live figures of one host at a time: the one that was asked for last. */
  readonly figures: Figures;
  /** Called after each change of a task, for what is not part of its view: its log. An empty id: any may have changed. */
  onTaskChange(listener: (taskId: string) => void): () => void;
  /** Called after each change of a host, for what is not part of its view: by which token it came in. */
  onHostChange(listener: () => void): () => void;
  open(onSignedOut: () => void): void;
  close(): void;
  wake(): void;
}

export interface Figures {
  /** Asks for them as long as somebody watches. */
  watch(hostId: string, listener: () => void): () => void;
  /** The newest that came; null: none yet. */
  get(hostId: string): Told | null;
}
/** With the time at which they were measured, by this machine's clock. */
export interface Told {
  readonly view: HostFiguresView;
  readonly measuredAtMs: number | null;
}

/** How long the first requests wait for the stream: what is fetched after it is open cannot miss a change. */
const STREAM_FIRST_MS = 1_500;

/** All that the page knows of the world, and the stream that keeps it true. */
export function createLive(clock: Clock): Live {
  let stream: Stream | null = null;
  let connection: Connection = { state: 'connecting', sinceMs: clock.now() };
  let stopWaiting = (): void => {};
  let hasBegun = false;
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = () => {
      hasBegun = true;
      resolve();
    };
  });
  const connectionListeners = new Set<() => void>();
  const figureListeners = new Map<() => void, string>();
  let told: Told | null = null;
  const watched = (): string | undefined => [...figureListeners.values()].at(-1);
  const taskListeners = new Set<(taskId: string) => void>();
  const hostListeners = new Set<() => void>();

  function source<V extends { readonly id: string | number }>(path: string, matches: Source<V>['matches'] = () => true): Source<V> {
    return {
      idOf: (view) => String(view.id),
      matches,
      async one(id) {
        await begun;
        return call<V>('GET', `${path}/${encodeURIComponent(id)}`).catch((error: unknown) => {
          if (error instanceof Refusal && (error.problem?.code === 'not-found' || error.problem?.code === 'gone')) return null;
          throw error;
        });
      },
      async page(query: Query, after, limit) {
        await begun;
        return call<Page<V>>('GET', `${path}${queryOf({ ...query, after, limit })}`);
      },
    };
  }

  const collections = {
    guest: createCollection(source<GuestView>('/guests', guestMatches), clock),
    host: createCollection(source<HostView>('/hosts'), clock),
    image: createCollection(source<ImageView>('/images'), clock),
    storage: createCollection(source<StorageView>('/storages'), clock),
    network: createCollection(source<NetworkView>('/networks'), clock),
    task: createCollection(source<TaskView>('/tasks', taskMatches), clock),
  };

  /** Also when it is not known where that guest is. */
  function isOnHost(guestId: string, hostId: string): boolean {
    const guest = collections.guest.getOne(guestId).view;
    return guest === null || guest.host.id === hostId;
  }

  function reset(): void {
    for (const collection of Object.values(collections)) collection.reset();
    for (const listener of taskListeners) listener('');
    for (const listener of hostListeners) listener();
  }

  function recover(): void {
    for (const collection of Object.values(collections)) collection.recover();
    for (const listener of taskListeners) listener('');
    for (const listener of hostListeners) listener();
  }

  function receive(change: ChangeEvent): void {
    if (!(change.kind in collections)) return; // not on any page yet
    // Sound: it is one of their names.
    collections[change.kind as keyof typeof collections].change(change.id, change.gone);
    // A guest is unknown while its host is away, and a host counts its guests: neither is told of as a change of its own.
    if (change.kind === 'host') {
      collections.guest.changeWhere((guest) => guest.host.id === change.id);
      for (const listener of hostListeners) listener();
    }
    if (change.kind === 'guest') collections.host.changeWhere((host) => isOnHost(change.id, host.id));
    if (change.kind === 'task') for (const listener of taskListeners) listener(change.id);
  }

  return {
    ...collections,
    connection: {
      get: () => connection,
      watch(listener) {
        connectionListeners.add(listener);
        return () => connectionListeners.delete(listener);
      },
    },
    figures: {
      watch(hostId, listener) {
        const before = watched();
        figureListeners.set(listener, hostId);
        if (before !== hostId) stream?.moved();
        return () => {
          const last = watched();
          figureListeners.delete(listener);
          const next = watched();
          // Nobody else wants them: they may come for as long as this stream lasts.
          if (next !== undefined && next !== last) stream?.moved();
        };
      },
      get: (hostId) => (told?.view.host.id === hostId ? told : null),
    },
    onTaskChange(listener) {
      taskListeners.add(listener);
      return () => taskListeners.delete(listener);
    },
    onHostChange(listener) {
      hostListeners.add(listener);
      return () => hostListeners.delete(listener);
    },
    open(onSignedOut) {
      if (stream !== null) return;
      // What was fetched before this stream is open may have missed a change.
      let mustReset = hasBegun;
      stopWaiting = clock.after(STREAM_FIRST_MS, () => {
        mustReset = true;
        begin();
      });
      stream = openStream(() => `/api/v1/events${queryOf({ figures: watched() })}`, clock, {
        onConnection(next) {
          connection = next;
          for (const listener of connectionListeners) listener();
          if (next.state !== 'live') return;
          stopWaiting();
          if (mustReset) reset();
          else recover();
          mustReset = false;
          begin();
        },
        onChange: receive,
        onFigures(view) {
          told = { view, measuredAtMs: view.ageMs === null ? null : clock.now() - view.ageMs };
          for (const listener of figureListeners.keys()) listener();
        },
        onReset: reset,
        onSignedOut,
      });
    },
    close() {
      stopWaiting();
      stream?.close();
      stream = null;
    },
    wake: () => stream?.wake(),
  };
}
