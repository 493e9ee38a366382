import type { Clock } from '@drover/shared/lib/clock';
import { AWAY_MS } from '../core/guest-state.ts';
import { silence } from '../core/reports.ts';
import { expireTask } from '../core/tasks.ts';
import type { Store } from '../db/store.ts';
import type { Dispatcher } from './dispatch.ts';
import type { Log } from './log.ts';
import { performer } from './perform.ts';
import type { Receiver } from './receive.ts';

const TICK_MS = 1_000;
const TRIM_EVERY = 600;

export interface TickContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly receiver: Pick<Receiver, 'writeHeard'>;
  readonly log: Log;
  /** Of several processes on one database, does this one do what has to be done once? */
  readonly isLeader?: () => boolean;
}

/** What time alone brings about: deadlines, what has to be sent again, what may be forgotten. */
export async function tick(context: TickContext, options: { readonly trim: boolean }): Promise<void> {
  const { store, clock, dispatcher, receiver, isLeader = () => true } = context;
  const nowMs = clock.now();
  // First of all: a host that was heard has not fallen silent.
  await receiver.writeHeard();
  if (isLeader()) await once(context, nowMs);
  for (const hostId of await store.hostsWithPending()) dispatcher.nudge(hostId);
  if (options.trim && isLeader()) await store.trim(nowMs);
}

async function once({ store, dispatcher }: TickContext, nowMs: number): Promise<void> {
  const perform = performer(store, dispatcher.nudge);
  for (const id of await store.overdueTasks(nowMs, 100)) {
    await perform(
      () => store.views.onTask(id),
      (view) => expireTask(view, nowMs),
    );
  }
  for (const hostId of await store.silentHosts(nowMs - AWAY_MS)) {
    await perform(
      () => store.views.onReport(hostId, []),
      (view) => ({ change: (view && silence(view.host, nowMs - AWAY_MS, nowMs)) ?? { by: 'drover', atMs: nowMs }, answer: null }),
    );
  }
}

/** Ticks, every second unless told otherwise, one after the other; the returned function ends it once the one under way is done. */
export function startTicking(context: TickContext, everyMs = TICK_MS): () => Promise<void> {
  let cancel = (): void => {};
  let stopped = false;
  let count = 0;
  let current: Promise<void> = Promise.resolve();
  function next(): void {
    cancel = context.clock.after(everyMs, () => {
      count += 1;
      current = tick(context, { trim: count % TRIM_EVERY === 1 })
        .catch((error: unknown) => context.log(`a tick failed: ${error instanceof Error ? error.message : String(error)}`))
        .then(() => {
          if (!stopped) next();
        });
    });
  }
  next();
  return () => {
    stopped = true;
    cancel();
    return current;
  };
}
