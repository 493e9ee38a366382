/** Calls back later in this turn of the event loop, when all that came with it has been looked at. */
export type Defer = (run: () => void) => void;

interface Waiting<K, V> {
  readonly key: K;
  readonly resolve: (answer: V) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What is asked about one thing each in the same turn of the event loop is asked as one question; without `defer` each is asked at once.
 * `ask` answers in the order of its keys. When it fails, each is asked by itself: what is wrong with one thing is nobody else's trouble.
 */
export function gathered<K, V>(ask: (keys: readonly K[]) => Promise<readonly V[]>, defer: Defer | null): (key: K) => Promise<V> {
  const one = async (key: K): Promise<V> => {
    const [answer] = await ask([key]);
    // Sound: one key, one answer.
    return answer as V;
  };
  if (!defer) return one;
  let waiting: Waiting<K, V>[] = [];
  async function askAll(all: readonly Waiting<K, V>[]): Promise<void> {
    try {
      const answers = await ask(all.map(({ key }) => key));
      // Sound: as many answers as keys.
      all.forEach(({ resolve }, index) => void resolve(answers[index] as V));
    } catch (error) {
      if (all.length === 1) for (const { reject } of all) reject(error);
      else for (const { key, resolve, reject } of all) one(key).then(resolve, reject);
    }
  }
  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (waiting.length > 1) return;
      defer(() => {
        const all = waiting;
        waiting = [];
        void askAll(all);
      });
    });
}
