import type { Clock } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import { AWAY_MS } from '../core/guest-state.ts';
import { silence } from '../core/reports.ts';
import { expireTask } from '../core/tasks.ts';
import type { Store } from '../db/store.ts';
import type { Dispatcher } from './dispatch.ts';
import { advanceFleetUpgrades } from './fleet-upgrades.ts';
import type { Log } from './log.ts';
import { performer } from './perform.ts';
import type { Receiver } from './receive.ts';

const TICK_MS = 1_000;
const TRIM_EVERY = 600;

export interface TickContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly dispatcher: Dispatcher;
  readonly receiver: Pick<Receiver, 'writeHeard'>;
  readonly log: Log;
  /** Of several processes on one database, does this one do what has to be done once? */
  readonly isLeader?: () => boolean;
  /** Does this one hear the hosts of that cell? By its clock it is known when that was: another's may show any time. */
  readonly holds?: (cell: string) => boolean;
}

/** What time alone brings about: deadlines, what has to be sent again, what may be forgotten. */
export async function tick(context: TickContext, options: { readonly trim: boolean }): Promise<void> {
  const { store, clock, dispatcher, receiver, isLeader = () => true } = context;
  const nowMs = clock.now();
  await each(
    [
      // First of all: a host that was heard has not fallen silent.
      () => receiver.writeHeard(),
      async () => isLeader() && (await expire(context, nowMs)),
      () => noticeSilence(context, nowMs),
      async () => isLeader() && (await advanceFleetUpgrades(store, dispatcher, context.random, nowMs)),
      async () => (await store.hostsWithPending()).forEach(dispatcher.nudge),
      async () => options.trim && isLeader() && (await store.trim(nowMs)),
    ],
    (step) => step(),
  );
}

async function expire({ store, dispatcher }: TickContext, nowMs: number): Promise<void> {
  const perform = performer(store, dispatcher.nudge);
  await each(await store.overdueTasks(nowMs, 100), (id) =>
    perform(
      () => store.views.onTask(id),
      (view) => expireTask(view, nowMs),
    ),
  );
}

async function noticeSilence({ store, dispatcher, holds = () => true }: TickContext, nowMs: number): Promise<void> {
  const perform = performer(store, dispatcher.nudge);
  await each(await store.silentHosts(nowMs - AWAY_MS), (hostId) =>
    perform(
      () => store.views.onReport(hostId, []),
      (view) => {
        const change = view && holds(view.host.cell) ? silence(view.host, nowMs - AWAY_MS, nowMs) : null;
        return { change: change ?? { by: 'drover', atMs: nowMs }, answer: null };
      },
    ),
  );
}

/** One after the other; one that fails keeps none of the others from its turn, and is thrown at the end. */
async function each<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) await run(item).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
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
