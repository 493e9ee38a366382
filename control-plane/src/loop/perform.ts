import { Problem } from '@drover/shared/lib/problem';
import type { HostId } from '@drover/shared/model/id';
import type { Change, Decision, IdempotencyKey } from '../core/change.ts';
import type { Store } from '../db/store.ts';

const ATTEMPTS_MAX = 8;

export interface Performed<A> {
  readonly answer: A;
  /** This very request was carried out before; nothing was written now. */
  readonly repeated: boolean;
}

/**
 * Load, decide, commit: again when somebody else wrote first. Hosts that the change concerns are nudged once it is durable.
 * `about`: the one thing that the decision rests on and changes; left out, it may be any.
 */
export type Perform = <V, A>(
  load: () => Promise<V>,
  decide: (view: V) => Decision<A>,
  idempotency?: IdempotencyKey,
  about?: string,
) => Promise<Performed<A>>;

/**
 * Decisions about one thing take turns in this process, as do those that may rest on anything: twenty at once would only make each
 * other decide again and again. Those about different things go side by side, and are written together. Other processes, and a thing
 * that two know by different names, are met by the retry.
 */
const turns = new WeakMap<Store, Map<string, Promise<unknown>>>();
const ANYTHING = '';

export function performer(store: Store, nudge: (hostId: HostId) => void): Perform {
  async function attempts<V, A>(
    load: () => Promise<V>,
    decide: (view: V) => Decision<A>,
    idempotency?: IdempotencyKey,
  ): Promise<Performed<A>> {
    let conflict = '';
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const earlier = idempotency && (await store.access.idempotent(idempotency.userId, idempotency.key));
      // Sound: the row was written by this function for the same route and body, so its answer is an A.
      if (earlier) return { answer: repeatedAnswer(earlier, idempotency) as A, repeated: true };
      const { change, answer } = decide(await load());
      const outcome = await store.commit(idempotency ? { ...change, idempotency: { ...idempotency, answer } } : change);
      if (outcome.committed) {
        for (const hostId of hostsOf(change)) nudge(hostId);
        return { answer, repeated: false };
      }
      conflict = outcome.conflict;
    }
    throw new Problem('conflict', `somebody else keeps changing this at the same moment (${conflict})`, {
      retryable: true,
      suggestion: 'try again',
    });
  }
  const last = turns.get(store) ?? new Map<string, Promise<unknown>>();
  turns.set(store, last);
  return (load, decide, idempotency, about = ANYTHING) => {
    const mine = (last.get(about) ?? Promise.resolve()).then(() => attempts(load, decide, idempotency));
    // The next one's turn comes however this one ends; its own caller hears of an error.
    const over = mine
      .catch(() => undefined)
      .then(() => {
        if (last.get(about) === over) last.delete(about);
      });
    last.set(about, over);
    return mine;
  };
}

function repeatedAnswer(earlier: IdempotencyKey & { readonly answer: unknown }, now: IdempotencyKey): unknown {
  if (earlier.method === now.method && earlier.path === now.path && earlier.bodyDigest === now.bodyDigest) return earlier.answer;
  throw new Problem('idempotency-key-reused', 'this Idempotency-Key was used for another request', {
    suggestion: 'use a new key for each request',
  });
}

const hostsOf = (change: Change): ReadonlySet<HostId> => new Set((change.wishes ?? []).map((wish) => wish.hostId));
