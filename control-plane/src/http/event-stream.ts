import type { ChangeEvent } from '@drover/shared/api/views';
import type { Clock } from '@drover/shared/lib/clock';
import type { KeptEvent, Store } from '../db/store.ts';
import { sightOf } from './event-sight.ts';
import { FIGURES_LOOK_MS } from './figures-frames.ts';
import type { Caller } from './session.ts';

const HEARTBEAT_MS = 15_000;
const BATCH = 500;

export interface EventSources {
  readonly store: Pick<Store, 'events' | 'eventRange' | 'onEvents' | 'rights' | 'task'>;
  readonly clock: Clock;
  readonly closing: AbortSignal;
  /** Whose stream it is: it ends with the proof that it was opened with. */
  readonly caller: Caller;
  /** Frames to be told beside the events, as figuresFrames makes them; absent: none. */
  readonly figures?: (() => Promise<string>) | undefined;
}

/**
 * Changes from a cursor on. The database is the queue: the stream reads on when its client has taken what came before, so a slow
 * client costs no memory, and it sleeps until a commit wakes it.
 */
export function eventStream(
  { store, clock, closing, caller, figures }: EventSources,
  after: number | undefined,
): ReadableStream<Uint8Array> {
  const { user, token } = caller;
  const sight = sightOf(store, caller, clock);
  const encoder = new TextEncoder();
  let cursor: number | null = null;
  let wake: () => void = () => undefined;
  let hasNews = true;
  let isOver = false;
  let stop: () => void = () => undefined;

  /** Resolves when there may be something to read, or when it is time for a sign of life. */
  const sleep = (): Promise<'news' | 'heartbeat'> =>
    new Promise((resolve) => {
      const cancel = clock.after(figures ? FIGURES_LOOK_MS : HEARTBEAT_MS, () => resolve('heartbeat'));
      wake = () => {
        cancel();
        resolve('news');
      };
    });

  async function begin(): Promise<string> {
    const { oldest, newest } = await store.eventRange();
    // Gone from the database, or never in this one (it was restored from a backup): what was missed cannot be told.
    const isLost = after !== undefined && (after > newest || after < oldest - 1);
    cursor = after === undefined || isLost ? newest : after;
    return `retry: 1000\nid: ${cursor}\nevent: ${isLost ? 'reset' : 'hello'}\ndata: {}\n\n`;
  }

  const isExpired = (): boolean => token.expiresAtMs !== null && token.expiresAtMs <= clock.now();
  const endsIt = ({ kind, id, gone }: KeptEvent): boolean =>
    gone && ((kind === 'token' && id === token.id) || (kind === 'user' && id === user.id));

  /** Null: there is no more. */
  async function next(): Promise<string | null> {
    if (cursor === null) return begin();
    for (;;) {
      const waking = hasNews ? 'news' : await sleep();
      if (isOver || isExpired()) return null;
      const measured = figures ? await figures() : '';
      if (waking === 'heartbeat') return measured || ': still here\n\n';
      hasNews = false;
      const events: readonly KeptEvent[] = await store.events(cursor, BATCH);
      const last = events.at(-1);
      if (!last && measured === '') continue;
      if (!last) return measured;
      if (events.some(endsIt)) return null;
      cursor = last.cursor;
      // What they may do has changed, and with it what is there for them.
      if (await sight.hasChanged()) return `${measured}id: ${cursor}\nevent: reset\ndata: {}\n\n`;
      hasNews ||= events.length === BATCH;
      const told = await sight.among(events);
      if (told.length > 0 || measured !== '') return measured + told.map(frameOf).join('');
    }
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      const news = () => {
        hasNews = true;
        wake();
      };
      const close = () => {
        stop();
        wake();
        controller.close();
      };
      const unsubscribe = store.onEvents(news);
      closing.addEventListener('abort', close, { once: true });
      stop = () => {
        isOver = true;
        unsubscribe();
        closing.removeEventListener('abort', close);
      };
      if (closing.aborted) close();
    },
    async pull(controller) {
      const text = await next();
      if (isOver) return;
      if (text !== null) return controller.enqueue(encoder.encode(text));
      stop();
      controller.close();
    },
    cancel() {
      stop();
      wake();
    },
  });
}

const frameOf = (event: ChangeEvent): string => `id: ${event.cursor}\nevent: change\ndata: ${JSON.stringify(event)}\n\n`;
