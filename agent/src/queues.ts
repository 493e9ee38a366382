/** One queue per resource: what is done about it is done one thing at a time, in order. */
export interface Queues {
  /** Runs `act` after what is in the queue; asking again under the same name before it began changes nothing. */
  run(key: string, name: string, act: () => Promise<void>): void;
  /** The same for what mostly waits: it takes the resource's turn, and none of the host's. */
  exclusively<T>(key: string, act: () => Promise<T>): Promise<T>;
}

/** Bounded, so that a hundred guests that start at once do not starve the host. */
const PARALLEL_MAX = 24;

export function createQueues(): Queues {
  const tails = new Map<string, Promise<void>>();
  const pending = new Set<string>();
  let running = 0;
  const waiting: (() => void)[] = [];

  async function slot(): Promise<void> {
    if (running < PARALLEL_MAX) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function free() {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }

  function enqueue<T>(key: string, act: () => Promise<T>): Promise<T> {
    const before = tails.get(key) ?? Promise.resolve();
    const result = before.then(act);
    const tail = result.then(
      () => {},
      () => {},
    );
    tails.set(key, tail);
    void tail.then(() => {
      if (tails.get(key) === tail) tails.delete(key);
    });
    return result;
  }

  return {
    run(key, name, act) {
      const id = `${key} ${name}`;
      if (pending.has(id)) return;
      pending.add(id);
      void enqueue(key, async () => {
        await slot();
        pending.delete(id);
        try {
          await act();
        } finally {
          free();
        }
      });
    },
    exclusively: enqueue,
  };
}
