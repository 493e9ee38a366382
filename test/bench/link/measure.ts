import { setTimeout as pause } from 'node:timers/promises';
import type { TaskView } from '@drover/shared/api/views';
import type { ApiClient } from '../api-client.ts';
import { cpuMs } from '../cpu-time.ts';
import { quantile, type Samples, timed } from '../statistics.ts';
import { addCosts, costsOf, type Scene } from './costs.ts';

export interface LinkContext extends Scene {
  readonly client: ApiClient;
  readonly guestsPerHost: number;
  readonly samples: Samples;
  readonly say: (line: string) => void;
}

const DROVER = 'Drover';
const FIRST_GUEST = 100;
const PACED = 500;
const PACED_EVERY_MS = 10;
const FLOOD = 3_000;
const UNDER_WAY = 64;
const CHANGES = 200;
const READS = 500;
const READS_AT_ONCE = 3_000;
const STORED_MS = 120_000;

/** From the request on: its answer, and the host's acknowledgement, stored and told of. */
interface Edit {
  readonly answeredMs: number;
  readonly storedMs: number;
}

/** Edits guests through the API and knows when each edit is journalled on its host and stored: its task then ends. */
export interface Editor {
  edit(host: number): Promise<Edit>;
  /** Of any task that was made since the editor was: resolves once it has ended. */
  untilEnded(task: string): Promise<void>;
  end(): void;
}

export function editor({ client, fleet, guestsPerHost }: LinkContext): Editor {
  const waiting = new Map<string, () => void>();
  /** An edit that changes nothing would be over at once. */
  let count = Math.round(performance.now());
  /** Ended before the answer to the request was read. */
  const ended = new Set<string>();
  const told = new Map<string, number>();
  const stop = client.onEvents(({ kind, id }) => {
    if (kind !== 'task') return;
    const times = (told.get(id) ?? 0) + 1;
    told.set(id, times);
    // The first event is that it was made.
    if (times < 2) return;
    told.delete(id);
    const tell = waiting.get(id);
    if (tell) tell();
    else ended.add(id);
  });
  return {
    async edit(host) {
      const guest = FIRST_GUEST + (host % fleet.hosts) * guestsPerHost;
      const begunAtMs = performance.now();
      count += 1;
      const { task } = await client.call<{ task: TaskView }>('PATCH', `/guests/${guest}`, { notes: `edit ${count}` });
      const answeredMs = performance.now() - begunAtMs;
      await untilEnded(task.id);
      return { answeredMs, storedMs: performance.now() - begunAtMs };
    },
    untilEnded,
    end: stop,
  };

  async function untilEnded(task: string): Promise<void> {
    if (!ended.delete(task)) await untilTold(task);
    waiting.delete(task);
  }

  function untilTold(task: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const tooLate = setTimeout(() => reject(new Error(`${task} did not end within ${STORED_MS / 1_000} s`)), STORED_MS);
      waiting.set(task, () => {
        clearTimeout(tooLate);
        resolve();
      });
    });
  }
}

/** P10: from the request until the host's acknowledgement is stored and told of. */
export async function measureCommands(context: LinkContext): Promise<void> {
  const { samples, say } = context;
  const edits = editor(context);
  say('one command after the other');
  for (let turn = 0; turn < READS; turn += 1) {
    const { answeredMs, storedMs } = await edits.edit(turn);
    samples.add('api write', DROVER, answeredMs);
    samples.add('round trip', DROVER, storedMs);
  }
  say('a hundred commands a second');
  const paced: Promise<Edit>[] = [];
  for (let turn = 0; turn < PACED; turn += 1) {
    paced.push(edits.edit(turn + READS));
    await pause(PACED_EVERY_MS);
  }
  samples.add(
    'round trip p99',
    DROVER,
    quantile(
      (await Promise.all(paced)).map(({ storedMs }) => storedMs),
      0.99,
    ),
  );
  say('as many commands as it takes');
  const before = costsOf(context);
  const ms = await timed(() => together(FLOOD, (turn) => edits.edit(turn)));
  addCosts(samples, 'command cpu', before, costsOf(context), FLOOD);
  samples.add('commands per second', DROVER, (FLOOD * 1_000) / ms);
  edits.end();
}

/** P12: a guest changes by itself; until the event stream tells of it. */
export async function measureChanges({ client, fleet, samples, say }: LinkContext): Promise<void> {
  say('changes on hosts');
  const seen = new Map<string, number>();
  const stop = client.onEvents(({ kind, id }) => {
    if (kind === 'guest') seen.set(id, Number(process.hrtime.bigint()) / 1e6);
  });
  const times: number[] = [];
  for (let turn = 0; turn < CHANGES; turn += 1) {
    seen.clear();
    const { guest, atMs } = await fleet.change(Math.floor((turn * fleet.hosts) / CHANGES));
    while (!seen.has(guest)) await pause(1);
    times.push((seen.get(guest) ?? 0) - atMs);
  }
  stop();
  for (const ms of times) samples.add('change seen', DROVER, ms);
  samples.add('change seen p99', DROVER, quantile(times, 0.99));
}

/** P17: reads, while the fleet is there and idle. */
export async function measureReads(context: LinkContext): Promise<void> {
  const { plane, client, fleet, guestsPerHost, samples, say } = context;
  say('reads');
  const guest = (turn: number): string => `/guests/${FIRST_GUEST + ((turn * 7) % (fleet.hosts * guestsPerHost))}`;
  const times: number[] = [];
  for (let turn = 0; turn < READS; turn += 1) {
    times.push(await timed(() => client.call('GET', guest(turn))));
    if (turn % 5 === 0) samples.add('page of 100', DROVER, await timed(() => client.call('GET', '/guests?limit=100')));
  }
  samples.add('api p99', DROVER, quantile(times, 0.99));
  const before = cpuMs(plane.pid());
  const ms = await timed(() => together(READS_AT_ONCE, (turn) => client.call('GET', guest(turn))));
  samples.add('read cpu', DROVER, (cpuMs(plane.pid()) - before) / READS_AT_ONCE);
  samples.add('reads per second', DROVER, (READS_AT_ONCE * 1_000) / ms);
}

/** All of them, a few dozen under way at a time. */
export async function together(count: number, act: (turn: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(UNDER_WAY, count) }, async () => {
      while (next < count) await act(next++);
    }),
  );
}
