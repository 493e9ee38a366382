import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { Noticed } from './mutants/all.ts';
import type { Outcome } from './world.ts';

/** What a worker can be asked: to live through a world, or to find where a mutant is missed; and what it answers. */
export interface Jobs {
  readonly seed: { readonly asks: string; readonly answers: Outcome };
  readonly mutant: { readonly asks: number; readonly answers: Noticed };
}
export type Job = { readonly [K in keyof Jobs]: { readonly do: K; readonly of: Jobs[K]['asks'] } }[keyof Jobs];

export const isWorker = !isMainThread;

/** Threads that live through worlds: each world is of one thread, from its beginning to its end. */
export class Workers {
  readonly #workers: readonly Worker[];

  constructor(count = availableParallelism()) {
    // The file that runs here, which is one bundle.
    this.#workers = Array.from({ length: count }, () => new Worker(fileURLToPath(import.meta.url)));
  }

  /** Until there is nothing `next`. */
  async each<K extends keyof Jobs>(
    kind: K,
    next: () => Jobs[K]['asks'] | null,
    done: (answer: Jobs[K]['answers'], asked: Jobs[K]['asks']) => void,
  ): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        for (let of = next(); of !== null; of = next()) {
          const answer = new Promise<Jobs[K]['answers']>((resolve, reject) => {
            worker.once('message', resolve);
            worker.once('error', reject);
          });
          worker.postMessage({ do: kind, of });
          done(await answer, of);
          worker.removeAllListeners('error');
        }
      }),
    );
  }

  end(): void {
    for (const worker of this.#workers) void worker.terminate();
  }
}

/** What a worker does all its life. */
export function work(carryOut: (job: Job) => Promise<Outcome | Noticed>): void {
  parentPort?.on('message', async (job: Job) => parentPort?.postMessage(await carryOut(job)));
}
