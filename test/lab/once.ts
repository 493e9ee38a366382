import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { run } from '../../agent/src/host/shell.ts';
import { digestOf } from './recipe.ts';
import type { Say } from './say.ts';

const WAIT_MS = 1_800_000;

/**
 * Makes a folder that is wanted once by many: `make` fills a folder beside it, which then gets the name at once, so that half of one is
 * never seen. Whoever comes meanwhile waits for the one that makes it, however that ends: the lock goes with its process.
 */
export async function makeOnce(folder: string, what: string, say: Say, make: (work: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  mkdirSync(dirname(folder), { recursive: true });
  const release = await lock(folder, what, say);
  try {
    // It may have been finished between the look and the lock.
    if (!existsSync(folder)) await makeHere(folder, what, say, make);
  } finally {
    release();
  }
}

async function makeHere(folder: string, what: string, say: Say, make: (work: string) => Promise<void>): Promise<void> {
  const startedMs = realClock.now();
  say(`making ${what}, once …`);
  // Left by a process that was killed: the lock is ours, so nobody fills it any more.
  for (const name of readdirSync(dirname(folder)))
    if (name.startsWith(`${basename(folder)}.making-`)) await removeWork(join(dirname(folder), name));
  const work = mkdtempSync(`${folder}.making-`);
  try {
    await make(work);
    renameSync(work, folder);
  } catch (error) {
    await removeWork(work);
    throw error;
  }
  say(`made ${what} in ${Math.round((realClock.now() - startedMs) / 1_000)} s: ${basename(folder)}`);
}

/** With what is still mounted in it: whoever was killed while it installed a system there could not undo that. */
async function removeWork(folder: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse()) await run('umount', ['--', mount]);
  rmSync(folder, { recursive: true, force: true });
}

async function lock(folder: string, what: string, say: Say): Promise<() => void> {
  const deadline = realClock.now() + WAIT_MS;
  for (let hasSaid = false; ; hasSaid = true) {
    const release = await tryLock(`\0drover-lab-${digestOf(folder)}`);
    if (release) return release;
    if (!hasSaid) say(`another process is making ${what}: waiting for it …`);
    if (realClock.now() > deadline)
      throw new Problem('timeout', `another process has been making ${what} for half an hour`, { suggestion: 'end it, and try again' });
    await realClock.sleep(500);
  }
}

/** An abstract socket: the kernel frees it with the process, however that ends. Null while another has it. */
function tryLock(name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(name, () => resolve(() => server.close()));
  });
}
