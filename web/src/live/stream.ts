import type { HostFiguresView } from '@drover/shared/api/host-views';
import type { ChangeEvent } from '@drover/shared/api/views';
import { backoff } from '@drover/shared/lib/backoff';
import type { Clock } from '@drover/shared/lib/clock';
import { createSseParser } from './sse.ts';

/** live: events arrive. connecting: the first attempt. lost: nothing heard since `sinceMs`; retried until it works. */
export interface Connection {
  readonly state: 'connecting' | 'live' | 'lost';
  readonly sinceMs: number;
}

export interface StreamEvents {
  readonly onConnection: (connection: Connection) => void;
  readonly onChange: (change: ChangeEvent) => void;
  /** Live figures of the host that the address asks for. */
  readonly onFigures: (figures: HostFiguresView) => void;
  /** What happened since the last event is not known: fetch everything again. */
  readonly onReset: () => void;
  readonly onSignedOut: () => void;
}

export interface Stream {
  /** The machine woke up, or the network is back: look at once instead of at the next attempt. */
  wake(): void;
  /** The address is another one now: goes on there, from the same event. */
  moved(): void;
  close(): void;
}

/** The server says something at least every 15 s. */
const SILENCE_MS_MAX = 40_000;
/** After a sleep this much silence is enough to try anew. */
const SILENCE_AT_WAKE_MS_MAX = 18_000;

/**
 * The tab's one stream of changes. Read with fetch and not with EventSource, so that the cursor survives a reconnect of ours,
 * heartbeats count as signs of life, and a session that has ended is told apart from a network that is away.
 */
export function openStream(url: () => string, clock: Clock, events: StreamEvents, fetchStream: typeof fetch = fetch): Stream {
  let cursor: string | null = null;
  let opened = false;
  let heardAtMs = clock.now();
  let triedAtMs = heardAtMs;
  let attempts = 0;
  let closed = false;
  let isMoving = false;
  /** Where the connection that is being read leads; null: there is none. */
  let readUrl: string | null = null;
  let abort = new AbortController();
  let stopWaiting = (): void => {};

  async function readOnce(): Promise<void> {
    abort = new AbortController();
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (cursor !== null) headers['last-event-id'] = cursor;
    const stopWatching = watch();
    readUrl = url();
    try {
      const response = await fetchStream(readUrl, { headers, signal: abort.signal, cache: 'no-store' });
      if (response.status === 401) {
        close();
        events.onSignedOut();
        return;
      }
      if (!response.ok || response.body === null) throw new Error(`the event stream answered ${response.status}`);
      heard();
      // Without a cursor nothing says what was missed between two connections.
      if (opened && cursor === null) events.onReset();
      opened = true;
      attempts = 0;
      events.onConnection({ state: 'live', sinceMs: clock.now() });
      const parse = createSseParser(receive);
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        heard();
        parse(decoder.decode(value, { stream: true }));
      }
    } finally {
      readUrl = null;
      stopWatching();
    }
  }

  function receive({ event, data, id }: { event: string; data: string; id: string | null }): void {
    if (id !== null) cursor = id;
    // Written by our own control plane, from the schema ChangeEvent.
    if (event === 'change') events.onChange(JSON.parse(data) as ChangeEvent);
    // Likewise, from HostFiguresView.
    if (event === 'figures') events.onFigures(JSON.parse(data) as HostFiguresView);
    if (event === 'reset') events.onReset();
  }

  function heard(): void {
    heardAtMs = clock.now();
  }

  /** How long this connection has said nothing; what was before it was opened is no fault of its own. */
  const silenceMs = (): number => clock.now() - Math.max(heardAtMs, triedAtMs);

  /** Ends the connection when it has been silent for too long; a half-open socket gives no error by itself. */
  function watch(): () => void {
    let cancel = () => {};
    const check = (): void => {
      if (silenceMs() >= SILENCE_MS_MAX) abort.abort(new Error('silence'));
      else cancel = clock.after(SILENCE_MS_MAX - silenceMs(), check);
    };
    triedAtMs = clock.now();
    check();
    return () => cancel();
  }

  /** Until the time has passed, or somebody has a reason to think that it works again. */
  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(delayMs, resolve);
      stopWaiting = () => {
        cancel();
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    events.onConnection({ state: 'connecting', sinceMs: heardAtMs });
    while (!closed) {
      await readOnce().catch(() => undefined); // whatever ended it, the answer is to try again
      if (closed) return;
      if (isMoving) {
        isMoving = false;
        continue;
      }
      attempts += 1;
      events.onConnection({ state: 'lost', sinceMs: heardAtMs });
      await pause(backoff(attempts, 0, { firstMs: 500, maxMs: 10_000 }));
    }
  }

  function close(): void {
    closed = true;
    abort.abort(new Error('closed'));
    stopWaiting();
  }

  void run();
  return {
    wake() {
      attempts = 0;
      stopWaiting();
      if (silenceMs() > SILENCE_AT_WAKE_MS_MAX) abort.abort(new Error('woken'));
    },
    moved() {
      // One that is lost comes to the new address by itself.
      if (readUrl === null || readUrl === url()) return;
      isMoving = true;
      abort.abort(new Error('moved'));
    },
    close,
  };
}
