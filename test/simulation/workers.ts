import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { Outcome } from './world.ts';

/** One world, or the first one that misses a rule. */
export type Job = { readonly seed: string } | { readonly mutant: number };

export const isWorker = !isMainThread;

/** Threads that live through worlds: each world is of one thread, from its beginning to its end. */
export class Workers {
  readonly #workers: readonly Worker[];

  constructor(count = availableParallelism()) {
    // The file that runs here, which is one bundle.
    this.#workers = Array.from({ length: count }, () => new Worker(fileURLToPath(import.meta.url)));
  }

  /** Until there is nothing `next`. */
  async each(next: () => Job | null, done: (outcome: Outcome, job: Job) => void): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        for (let job = next(); job; job = next()) {
          const answer = new Promise<Outcome>((resolve, reject) => {
            worker.once('message', resolve);
            worker.once('error', reject);
          });
          worker.postMessage(job);
          done(await answer, job);
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
export function work(carryOut: (job: Job) => Promise<Outcome>): void {
  parentPort?.on('message', async (job: Job) => parentPort?.postMessage(await carryOut(job)));
}
