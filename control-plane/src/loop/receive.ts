import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import type { Random } from '@drover/shared/lib/random';
import { rateLimited } from '@drover/shared/lib/rate-limited';
import { HostId, newId } from '@drover/shared/model/id';
import { ResourceRef } from '@drover/shared/model/resource';
import { BootReply, PROTOCOL_VERSION, type Reply, type Report } from '@drover/shared/protocol/message';
import { readGone, readReport } from '@drover/shared/protocol/read';
import { parseTopic, topicOf } from '@drover/shared/protocol/topic';
import type { Broker } from '../broker/broker.ts';
import type { Decision } from '../core/change.ts';
import { type Absorbed, absorb, absorbGone, awayChange } from '../core/reports.ts';
import type { ReportView } from '../core/views.ts';
import type { Store } from '../db/store.ts';
import type { Signer } from '../signer.ts';
import type { Admission } from './admission.ts';
import type { Dispatcher } from './dispatch.ts';
import { createHearing } from './heard.ts';
import type { Log } from './log.ts';

const ATTEMPTS_MAX = 8;
/** Of one host; further ones are dropped, which costs nothing: it sends what was not acknowledged again. */
const QUEUE_MAX = 64;
/** Of all hosts together, also of ones that a hostile broker invents. */
const WAITING_MAX = 4_096;

export interface ReceiveContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly broker: Broker;
  readonly dispatcher: Dispatcher;
  readonly admission?: Pick<Admission, 'arrived'>;
  readonly signer: Signer;
  readonly log: Log;
}

export interface Receiver {
  /** Any bytes, on any topic of ours. */
  message(topic: string, payload: Uint8Array): void;
  presence(hostId: HostId, connected: boolean): void;
  /** Writes what hosts that had nothing to say left to be written. */
  writeHeard(): Promise<void>;
  /** Settles when everything that came so far is dealt with. */
  idle(): Promise<void>;
}

/** Takes what hosts say: parse, absorb, commit, reply, dispatch. One at a time per host, hosts side by side. */
export function createReceiver(context: ReceiveContext): Receiver {
  const { store, clock, random, broker, dispatcher, admission, signer, log } = context;
  const complain = rateLimited(log, clock);
  const hearing = createHearing(store);
  const freshIds = () => ({ storageId: newId('storage', random), networkId: newId('network', random) });
  /** For reports without a hello, which make nothing. */
  const unusedIds = freshIds();
  const queues = new Map<HostId, { length: number; last: Promise<void> }>();
  let waiting = 0;

  function enqueue(hostId: HostId, job: () => Promise<void>): void {
    if (waiting >= WAITING_MAX) {
      complain('waiting', 'more reports come than we can take in: some are dropped, and will be sent again');
      return;
    }
    const queue = queues.get(hostId) ?? { length: 0, last: Promise.resolve() };
    if (queue.length >= QUEUE_MAX) {
      complain(`${hostId} queue`, `${hostId} sends faster than we can take it in: reports are dropped until it slows down`);
      return;
    }
    queue.length += 1;
    waiting += 1;
    queues.set(hostId, queue);
    queue.last = queue.last
      .then(job)
      .catch((error: unknown) => {
        complain(`${hostId} failed`, `cannot take in a report of ${hostId}: ${error instanceof Error ? error.message : String(error)}`);
      })
      .then(() => {
        queue.length -= 1;
        waiting -= 1;
        if (queue.length === 0) queues.delete(hostId);
      });
  }

  async function report(hostId: HostId, cell: string, received: Report): Promise<void> {
    const { answer, home } = await absorbed(hostId, received);
    if (!answer) {
      complain(`${hostId} unknown`, `a report of ${hostId}, which is not enrolled here or was cut off`);
      broker.disconnect(hostId);
      return;
    }
    for (const warning of answer.warnings) log(`${hostId}: ${warning}`);
    const reply: Reply = {
      v: PROTOCOL_VERSION,
      boot: received.boot,
      sequence: received.sequence,
      helloWanted: answer.helloWanted,
      ...(answer.hardwareWanted ? { hardwareWanted: true } : {}),
      atMs: clock.now(),
    };
    const { lastBoot } = answer;
    const words = lastBoot === null ? JSON.stringify(reply) : await signer.sign(bootReply(reply, hostId, lastBoot));
    // One that gets lost is asked for again, by the same report under a new number.
    await broker.publish(topicOf(cell, hostId, 'down/reply'), words, 0);
    // It was moved meanwhile: its next credentials are for the other broker.
    if (home !== cell) broker.disconnect(hostId, cell);
    if (received.hello) {
      admission?.arrived(hostId);
      dispatcher.introduced(hostId, received.hello.counter ?? 0);
    }
    if (answer.dispatch) dispatcher.nudge(hostId);
  }

  async function absorbed(hostId: HostId, received: Report): Promise<{ answer: Absorbed | null; home: string }> {
    let home = '';
    const ids = received.hello ? freshIds() : unusedIds;
    const refs = received.hello ? 'all' : [...received.statuses, ...refusedRefs(received)].map(({ kind, id }) => ({ kind, id }));
    const { answer } = await retrying(hostId, refs, (view): Decision<Absorbed> => {
      home = view.host.cell;
      return absorb(view, received, { nowMs: clock.now(), ...ids });
    });
    return { answer, home };
  }

  async function retrying<A>(
    hostId: HostId,
    refs: readonly ResourceRef[] | 'all',
    decide: (view: ReportView) => Decision<A>,
  ): Promise<{ answer: A | null }> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const view = await hearing.view(hostId, refs);
      if (!view || view.host.revokedAtMs !== null) return { answer: null };
      const { change, answer } = decide(view);
      if ((await hearing.commit(hostId, change)).committed) return { answer };
    }
    throw new Problem('conflict', 'somebody else kept changing the same things');
  }

  async function away(hostId: HostId, session: string | null): Promise<void> {
    await retrying(hostId, [], ({ host }) => {
      const nowMs = clock.now();
      const change = session === null ? (host.connected ? awayChange(host, nowMs) : null) : absorbGone(host, { session }, nowMs);
      return { change: change ?? { by: host.name, atMs: nowMs }, answer: null };
    });
  }

  return {
    message(topic, payload) {
      const parsed = parseTopic(topic);
      const hostId = HostId.safeParse(parsed?.hostId);
      if (!parsed || !hostId.success)
        return complain('topic', `a message on a topic that is none of ours: ${JSON.stringify(topic.slice(0, 200))}`);
      if (parsed.leaf === 'up/gone') {
        const gone = readGone(payload);
        if (gone) enqueue(hostId.data, () => away(hostId.data, gone.session));
        else complain(`${hostId.data} gone`, `${hostId.data} said farewell in words that we do not understand`);
        return;
      }
      const received = parsed.leaf === 'up/report' ? readReport(payload) : null;
      if (!received) return complain(`${hostId.data} parse`, `${hostId.data} sent a report that we do not understand`);
      if (received.report.host !== hostId.data)
        return complain(`${hostId.data} other`, `${hostId.data} sent a report in the name of ${received.report.host}`);
      if (received.dropped > 0)
        complain(
          `${hostId.data} dropped`,
          `${hostId.data} sent ${received.dropped} statuses or lines that we do not understand: is its agent newer?`,
        );
      enqueue(hostId.data, () => report(hostId.data, parsed.cell, received.report));
    },
    presence(hostId, connected) {
      // That a connection began says nothing yet: the hello does.
      if (!connected) enqueue(hostId, () => away(hostId, null));
    },
    writeHeard: () => hearing.write(clock.now()),
    async idle() {
      while (queues.size > 0) await Promise.all([...queues.values()].map(({ last }) => last));
    },
  };
}

/** Those of kinds that we know ourselves. */
const refusedRefs = ({ refused = [] }: Report): ResourceRef[] =>
  refused.flatMap(({ kind, id }) => {
    const ref = ResourceRef.safeParse({ kind, id });
    return ref.success ? [ref.data] : [];
  });

/** Long enough for any way there, short enough that a captured one is of no use. */
const BOOT_REPLY_MS = 60_000;

const bootReply = (reply: Reply, host: HostId, lastBoot: number): BootReply =>
  BootReply.parse({ ...reply, host, lastBoot, expiresAtMs: reply.atMs + BOOT_REPLY_MS });
