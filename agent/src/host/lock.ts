import { createServer } from 'node:net';
import { Problem } from '@drover/shared/lib/problem';

/**
 * One agent per data folder, for as long as the process lives. An abstract Unix socket named for the folder's device and
 * inode: the kernel frees it with the process, however that ends, so it is never stale.
 */
export function takeLock(name: string, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.unref();
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new Problem(taken ? 'busy' : 'internal', taken ? `another process already uses ${what}` : `cannot lock ${what}: ${cause.message}`, {
          cause,
        }),
      );
    });
    server.listen(`\0${name}`, resolve);
  });
}
