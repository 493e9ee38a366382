import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** The moment at which a container's own first script begins: it writes to a file, and the kernel tells. */
export interface InsideSign {
  readonly seenAtMs: Promise<number>;
  close(): void;
}

const DEADLINE_MS = 60_000;

export function watchForSign(path: string): InsideSign {
  const watcher = watch(dirname(path));
  const seenAtMs = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing in the guest wrote to ${path} within ${DEADLINE_MS / 1_000} s`)), DEADLINE_MS);
    const stop = () => clearTimeout(timer);
    watcher.on('change', (_event, name) => {
      if (name !== basename(path)) return;
      stop();
      resolve(performance.now());
    });
    watcher.on('error', reject);
    watcher.on('close', stop);
  });
  // Whoever gives up before it comes has a reason of its own.
  seenAtMs.catch(() => {});
  return { seenAtMs, close: () => watcher.close() };
}
