import { backoff } from '@drover/shared/lib/backoff';
import { type Clock, isTooEarly } from '@drover/shared/lib/clock';
import type { Random } from '@drover/shared/lib/random';
import type { HostId } from '@drover/shared/model/id';
import { refKey } from '@drover/shared/model/resource';
import { type Command, PROTOCOL_VERSION } from '@drover/shared/protocol/message';
import { topicOf } from '@drover/shared/protocol/topic';
import type { Broker } from '../broker/broker.ts';
import type { Held } from '../core/held.ts';
import type { Store } from '../db/store.ts';
import type { Signer } from '../signer.ts';

/** A command that travelled for longer is sent again, signed anew. */
const COMMAND_MS = 300_000;
const RESEND = { firstMs: 5_000, maxMs: 120_000 };

export interface DispatchContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly broker: Broker;
  readonly signer: Signer;
  readonly failed: (line: string) => void;
}

export interface Dispatcher {
  /** Publishes what is pending for the host. Any number of calls, at any time: it never sends more than is needed for long. */
  nudge(hostId: HostId): void;
  /** The host has a new session: what was sent before may be lost. `counter`: the highest that it has taken. */
  introduced(hostId: HostId, counter: number): void;
  /** Settles when nothing is under way. */
  idle(): Promise<void>;
}

/** What was sent lately, so that a nudge does not send everything again. Losing it costs a few duplicates, nothing else. */
interface Sent {
  readonly generation: number;
  readonly attempts: number;
  readonly atMs: number;
  readonly dueAtMs: number;
}

export function createDispatcher(context: DispatchContext): Dispatcher {
  const { clock, random } = context;
  const sentTo = new Map<HostId, Map<string, Sent>>();
  /** Of each host the counter of the last command. Time itself is what it grows by, so that it need not be kept: after a restart it goes on above. */
  const counters = new Map<HostId, number>();
  const running = new Map<HostId, { again: boolean; done: Promise<void> }>();

  async function publishPending(hostId: HostId): Promise<void> {
    const pending = await context.store.pending(hostId);
    // Another process serves that cell, or nobody can at present: the next tick asks again.
    if (!pending || !context.broker.serves(pending.host.cell)) return;
    const before = sentTo.get(hostId) ?? new Map<string, Sent>();
    const now = new Map<string, Sent>();
    for (const held of pending.resources) {
      const key = refKey(held);
      const earlier = before.get(key);
      const isNew = earlier?.generation !== held.generation;
      if (earlier && !isNew && isTooEarly(clock.now(), earlier.atMs, earlier.dueAtMs)) {
        now.set(key, earlier);
        continue;
      }
      await context.broker.publish(topicOf(pending.host.cell, hostId, 'down/command'), await signed(held, pending.host.asOfMs), 1);
      const attempts = isNew ? 1 : (earlier?.attempts ?? 0) + 1;
      const atMs = clock.now();
      now.set(key, { generation: held.generation, attempts, atMs, dueAtMs: atMs + backoff(attempts, random.fraction(), RESEND) });
    }
    sentTo.set(hostId, now);
  }

  function signed(held: Held, asOfMs: number): Promise<string> {
    const { kind, id, hostId, generation, spec, deletion } = held;
    const issuedAtMs = clock.now();
    const counter = Math.max(issuedAtMs, (counters.get(hostId) ?? 0) + 1);
    counters.set(hostId, counter);
    const command: Command = {
      v: PROTOCOL_VERSION,
      host: hostId,
      counter,
      resource: { kind, id, hostId, generation, spec, deletion },
      asOfMs,
      issuedAtMs,
      expiresAtMs: issuedAtMs + COMMAND_MS,
    };
    return context.signer.sign(command);
  }

  async function run(hostId: HostId, state: { again: boolean }): Promise<void> {
    try {
      while (state.again) {
        state.again = false;
        await publishPending(hostId);
      }
    } catch (error) {
      // What is pending stays pending: the next tick tries again.
      context.failed(`cannot send commands to ${hostId}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      running.delete(hostId);
    }
  }

  return {
    nudge(hostId) {
      const current = running.get(hostId);
      if (current) {
        current.again = true;
        return;
      }
      const state = { again: true, done: Promise.resolve() };
      running.set(hostId, state);
      state.done = run(hostId, state);
    },
    introduced(hostId, counter) {
      sentTo.delete(hostId);
      counters.set(hostId, Math.max(counters.get(hostId) ?? 0, counter));
    },
    async idle() {
      while (running.size > 0) await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
