import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CellFilesView, CellsView, CellView } from '@drover/shared/api/cells';
import type { z } from 'zod';
import type { Cleanup } from '../cleanup.ts';
import type { PlannedCell } from './cell-plan.ts';
import { startMosquittoOfCell } from './mosquitto.ts';
import type { Plane } from './plane.ts';

const REACHED_MS = 30_000;
const LOOK_MS = 100;
/** For what a process has open besides: the database, its programs' own files, requests under way. */
const OTHER_FILES = 1_000;

/** How many connections one process may have: Node raises its own limit as far as the system lets it, and hands it on. */
export function connectionsMax(): number {
  const [, files = '1024'] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Math.max(Number(files) - OTHER_FILES, 1);
}

/** Adds each cell that has a broker of its own, as an operator does: tell the API, set the broker up with what it gives, start it. Gives the processes. */
export async function startBrokers(plane: Plane, cells: readonly PlannedCell[], cleanup: Cleanup): Promise<readonly number[]> {
  const own = cells.filter(({ broker }) => broker === 'mosquitto');
  const pids: number[] = [];
  for (const { name } of own) {
    const { pid } = await startMosquittoOfCell(join(plane.folder, name), cleanup, async (url) => {
      await ask(plane, CellView, 'POST', '/cells', { name, profile: 'mosquitto', urls: [url] });
      return (await ask(plane, CellFilesView, 'GET', `/cells/${name}/setup`)).files;
    });
    pids.push(pid);
  }
  const endAtMs = performance.now() + REACHED_MS;
  const areReached = async () => (await ask(plane, CellsView, 'GET', '/cells')).items.every(({ reached }) => reached);
  while (!(await areReached())) {
    if (performance.now() > endAtMs) throw new Error('the control plane does not reach its brokers');
    await pause(LOOK_MS);
  }
  return pids;
}

async function ask<T>({ url, token }: Plane, answer: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T> {
  const headers = { 'authorization': `Bearer ${token()}`, 'content-type': 'application/json' };
  const response = await fetch(`${url}/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return answer.parse(JSON.parse(text));
}
