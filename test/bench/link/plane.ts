import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, type RunningProcess } from '../../system/process.ts';
import { freePort } from '../../system/world.ts';
import type { Cleanup } from '../cleanup.ts';
import { ROOT } from '../root.ts';

/** A control plane as a process of its own, which can be killed and started again. */
export interface Plane {
  readonly url: string;
  readonly folder: string;
  token(): string;
  pid(): number;
  /** Throws with what it has said when it has ended by itself: nothing that is waited for comes any more. */
  mustRun(): void;
  start(): Promise<void>;
  kill(): Promise<void>;
}

export async function newPlane(folder: string, cleanup: Cleanup): Promise<Plane> {
  const port = await freePort();
  mkdirSync(join(folder, 'control-plane'), { recursive: true, mode: 0o700 });
  let running: RunningProcess | null = null;
  cleanup.add('the control plane', () => running?.end('SIGTERM'));
  return {
    url: `http://127.0.0.1:${port}`,
    folder,
    token: () => readFileSync(join(folder, 'control-plane/local-token'), 'utf8').trim(),
    pid: () => running?.pid ?? 0,
    mustRun() {
      if (!running?.isRunning()) throw new Error(`the control plane has ended: ${running?.output() ?? 'it was never started'}`);
    },
    async start() {
      const program = join(ROOT, 'control-plane/dist/main.js');
      if (!existsSync(program)) throw new Error(`${program} is not built`);
      running = launch([program], { DROVER_DATA: folder, DROVER_PORT: String(port), DROVER_LISTEN: '127.0.0.1' }, ROOT);
      await running.untilSays(/control plane is at/);
    },
    async kill() {
      await running?.end('SIGKILL');
    },
  };
}
