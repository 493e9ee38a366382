import { setTimeout as pause } from 'node:timers/promises';
import type { GuestView, PoweredGuests, TaskView } from '@drover/shared/api/views';
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
const TO_A_REQUEST = 100;
const REQUESTS_UNDER_WAY = 4;
const CHANGES = 200;
const READS = 500;
const READS_AT_ONCE = 3_000;
const STORED_MS = 120_000;

/** From the request on: its answer, and the host's acknowledgement, stored and told of. */
interface Edit {
  readonly answeredMs: number;
  readonly storedMs: number;
}

export interface Editor {
  edit(host: number): Promise<Edit>;
  /** The first guest of each of these hosts changes its power, in one request. */
  power(hosts: readonly number[], verb: 'start' | 'stop'): Promise<void>;
  end(): void;
}

/** Edits guests through the API and knows when each edit is journalled on its host and stored: its task then ends. */
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
      const guest = guestOf(host);
      const begunAtMs = performance.now();
      count += 1;
      const { task } = await client.call<{ task: TaskView }>('PATCH', `/guests/${guest}`, { notes: `edit ${count}` });
      const answeredMs = performance.now() - begunAtMs;
      await untilEnded(task.id);
      return { answeredMs, storedMs: performance.now() - begunAtMs };
    },
    async power(hosts, verb) {
      const body = { guests: hosts.map((host) => String(guestOf(host))) };
      const { items } = await client.call<PoweredGuests>('POST', `/guests/${verb}`, body);
      await Promise.all(
        items.map(async ({ asked, task, problem }) => {
          if (!task) throw new Error(`guest ${asked}: ${problem?.detail ?? 'no task'}`);
          await untilEnded(task.id);
        }),
      );
    },
    end: stop,
  };

  function guestOf(host: number): number {
    return FIRST_GUEST + (host % fleet.hosts) * guestsPerHost;
  }

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

/** P10 once more: a hundred guests to a request, a few requests under way. */
export async function measureCommandsTogether(context: LinkContext): Promise<void> {
  const { fleet, samples, say } = context;
  const edits = editor(context);
  const requests = Math.floor(Math.min(fleet.hosts, FLOOD) / TO_A_REQUEST);
  if (requests === 0) return;
  const verbs = await powerVerbs(context);
  for (const verb of [...verbs, ...verbs]) {
    say(`as many commands as it takes, ${TO_A_REQUEST} to a request`);
    const before = costsOf(context);
    const hosts = (request: number): number[] => Array.from({ length: TO_A_REQUEST }, (_, index) => request * TO_A_REQUEST + index);
    const ms = await timed(() => together(requests, (request) => edits.power(hosts(request), verb), REQUESTS_UNDER_WAY));
    addCosts(samples, 'command together cpu', before, costsOf(context), requests * TO_A_REQUEST);
    samples.add('commands together per second', DROVER, (requests * TO_A_REQUEST * 1_000) / ms);
  }
  edits.end();
}

/** In this order each changes something: guests begin as they were left. */
export async function powerVerbs({ client }: LinkContext): Promise<readonly ('start' | 'stop')[]> {
  const { power } = await client.call<GuestView>('GET', `/guests/${FIRST_GUEST}`);
  return power === 'running' ? ['stop', 'start'] : ['start', 'stop'];
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
export async function together(count: number, act: (turn: number) => Promise<unknown>, underWay = UNDER_WAY): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(underWay, count) }, async () => {
      while (next < count) await act(next++);
    }),
  );
}
